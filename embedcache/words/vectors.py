"""Word vectors on disk: a file is converted when it is first used, then memory-mapped.

CACHE/words/HASH/vectors        (v, d) float32 matrix, little-endian, row by row
CACHE/words/HASH/index          a segment of `embedcache.store.index` that maps ids of words to rows
CACHE/words/HASH/settings.json  d, and the language of the words
"""

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
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
from embedcache.words.scripts import has_kana

_ENTITY = "ENTITY/"  # marks the titles of pages in Wikipedia2Vec, which are not words
_CHUNK_ROWS = 1 << 13  # number of vectors converted at a time


@dataclass(frozen=True)
class WordVectors:
    """Vectors of words.

    Attributes:
        matrix: (v, d) float32 vectors, memory-mapped.
        find: Function that returns the rows of n words: (n,) int64,
            `embedcache.store.index.MISSING` for words without a vector.
        language: "ja" or "other".
        identity: Part of the identity of an encoder that uses the vectors: {"vectors": hash of
            their files}.
    """

    matrix: NDArray[np.float32]
    find: Callable[[Sequence[str]], NDArray[np.int64]]
    language: str
    identity: dict[str, Any]


def open_vector_file(path: Path) -> WordVectors:
    """Open a file of word vectors; the first call converts it.

    Args:
        path: File in a format that `embedcache.words.formats.read_vector_file` supports.

    Raises:
        UserError: The file does not exist, or it cannot be read as word vectors.
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
        if not folder.exists():  # otherwise another process has converted the file
            raise UserError(f"{path} cannot be read as word vectors: {error}") from error


def _write_converted(path: Path, folder: Path) -> None:
    chunks_of_ids = []
    dim = with_kana = 0
    with (folder / "vectors").open("wb") as file:
        for words, matrix in _read_chunks(path):
            file.write(matrix.astype("<f4", copy=False).tobytes())
            chunks_of_ids.append(sentence_ids(words))
            with_kana += sum(map(has_kana, words))
            dim = matrix.shape[1]
    if not chunks_of_ids:
        raise ValueError("the file has no words")
    ids = np.concatenate(chunks_of_ids)
    _write_index(folder / "index", ids)
    # in multilingual files, few words contain kana; in Japanese files, many do
    language = "ja" if with_kana > 0.1 * len(ids) else "other"
    settings = {"dim": dim, "language": language}
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def _read_chunks(path: Path) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
    """Yield the words of each chunk of a file, and their vectors (n, d)."""
    rows = (row for row in read_vector_file(path) if not row[0].startswith(_ENTITY))
    while chunk := list(islice(rows, _CHUNK_ROWS)):
        words, vectors = zip(*chunk, strict=True)
        matrix = np.stack(vectors)
        if not np.isfinite(matrix).all():
            raise ValueError("a vector contains NaN or infinity")
        yield list(words), matrix


def _write_index(path: Path, ids: Ids) -> None:
    rows = first_occurrences(ids)  # a repeated word has the vector of its first occurrence
    path.write_bytes(Segment.sorted_from(ids[rows], rows).to_bytes())
