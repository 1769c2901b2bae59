"""Word vectors on disk: a file is converted once, then memory-mapped.

CACHE/words/HASH/vectors        (v, d) float32, little-endian, row by row
CACHE/words/HASH/index          a segment of `embedcache.store.index`: id of a word -> row
CACHE/words/HASH/settings.json  d, and the vocabulary's language
"""

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from lzma import LZMAError
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from embedcache.errors import UserError
from embedcache.files import publish, scratch_folder
from embedcache.hashing import hash_files
from embedcache.ids import Ids, sentence_ids
from embedcache.store.index import Segment, find_in, first_occurrences
from embedcache.words.formats import read_vector_file
from embedcache.words.tokenizers import has_kana

_ENTITY = "ENTITY/"  # Wikipedia2Vec's mark of a page, which is no word
_CHUNK_ROWS = 1 << 13  # held in memory


@dataclass(frozen=True)
class WordVectors:
    """Vectors of words.

    Attributes:
        matrix: (v, d) float32, memory-mapped.
        find: words to their rows, (n,) int64, `embedcache.store.index.MISSING` where there is none.
        language: "ja", or "other".
        identity: the hash of what was read.
    """

    matrix: NDArray[np.float32]
    find: Callable[[Sequence[str]], NDArray[np.int64]]
    language: str
    identity: dict[str, Any]


def open_vector_file(path: Path) -> WordVectors:
    """Open a file of word vectors, converted at the first call.

    Args:
        path: see `embedcache.words.formats.read_vector_file`.

    Raises:
        UserError: there is no such file, or it holds no word vectors.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file of word vectors")
    content = hash_files([path], names=False)
    folder = user_cache_path("segtool") / "words" / content.replace(":", "-")
    if not folder.exists():
        _convert(path, folder)
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    matrix = np.memmap(folder / "vectors", dtype="<f4", mode="r").reshape(-1, settings["dim"])
    segment = Segment.from_bytes(np.memmap(folder / "index", mode="r").data)

    def find(words: Sequence[str]) -> NDArray[np.int64]:
        return find_in([segment], sentence_ids(words))

    return WordVectors(matrix, find, settings["language"], {"vectors": content})


def _convert(path: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with scratch_folder(folder.parent) as scratch:
            _write_converted(path, scratch)
            publish(scratch, folder)
    except (EOFError, ValueError, OSError, LZMAError, zlib.error) as error:
        if not folder.exists():  # else another process was faster
            raise UserError(f"{path} cannot be read as word vectors: {error}") from error


def _write_converted(path: Path, folder: Path) -> None:
    rows = ((w, v) for w, v in read_vector_file(path) if not w.startswith(_ENTITY))
    ids = []
    dim = with_kana = 0
    with (folder / "vectors").open("wb") as file:
        while chunk := list(islice(rows, _CHUNK_ROWS)):
            words = [word for word, _ in chunk]
            matrix = np.stack([vector for _, vector in chunk])
            if not np.isfinite(matrix).all():
                raise ValueError("a vector holds NaN or infinity")
            file.write(matrix.astype("<f4", copy=False).tobytes())
            ids.append(sentence_ids(words))
            with_kana += sum(map(has_kana, words))
            dim = matrix.shape[1]
    if not ids:
        raise ValueError("there is no word in it")
    every_id = np.concatenate(ids)
    _write_index(folder / "index", every_id)
    # a multilingual vocabulary has some kana, a Japanese one much
    language = "ja" if with_kana > 0.1 * len(every_id) else "other"
    settings = {"dim": dim, "language": language}
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def _write_index(path: Path, ids: Ids) -> None:
    rows = first_occurrences(ids)  # of a word that stands there twice, the first counts
    path.write_bytes(Segment.sorted_from(ids[rows], rows).to_bytes())
