"""The workspace: a folder with the store, the corpora embedded into it, and the runs.

store/            the embedding store
corpora/NAME.jsonl sentences, labels and splits of a corpus, and who encoded it
encoders/ID.json  what an encoder with this fingerprint was fitted to
runs/RUN/         see `segclf.runs`
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_hexdigest

from embedcache import EmbeddingStore, UserError
from embedcache.encoders import Pooling
from segclf.corpus import Corpus, Document

DEFAULT_FOLDER = ".segtool"
JOIN = "+"  # between encoders whose vectors stand side by side


@dataclass(frozen=True)
class EncoderReference:
    """An encoder as a corpus or a run remembers it, or several joined ones.

    Attributes:
        name: what `embedcache.load_encoder` takes; of several, their names with "+" between them.
        pooling: likewise; of several, that of the first.
        fingerprint: names its space in the store; of several, with "+" between them.
    """

    name: str
    pooling: Pooling | None
    fingerprint: str

    @property
    def parts(self) -> "tuple[EncoderReference, ...]":
        """The encoders one by one, in the order of their vectors."""
        first, *others = self.fingerprint.split(JOIN)
        name, *names = self.name.rsplit(JOIN, len(others))
        return (
            EncoderReference(name, self.pooling, first),
            *(EncoderReference(*pair) for pair in zip(names, repeat(None), others, strict=False)),
        )


@dataclass(frozen=True)
class StoredCorpus:
    """A corpus in the workspace.

    Attributes:
        name: of the corpus.
        corpus: its text.
        sentence_rule: how it was cut into sentences.
        language: for that rule; None where it was guessed.
        digest: hash of sentences, labels and splits.
        encoders: whose vectors of it are in the store, the latest last.
    """

    name: str
    corpus: Corpus
    sentence_rule: str
    language: str | None
    digest: str
    encoders: tuple[EncoderReference, ...]

    def encoder(self, name: str | None = None, pooling: Pooling | None = None) -> EncoderReference:
        """Return an encoder of this corpus by name and pooling, by default the latest.

        Of a name without a pooling, one that was embedded so comes first.

        Raises:
            UserError: it has not encoded this corpus.
        """
        matching = [
            encoder
            for encoder in reversed(self.encoders)
            if name in (None, encoder.name) and pooling in (None, encoder.pooling)
        ]
        exact = [encoder for encoder in matching if name and encoder.pooling == pooling]
        if matching:
            return (exact or matching)[0]
        present = ", ".join(_label(encoder.name, encoder.pooling) for encoder in self.encoders)
        raise UserError(
            f"the corpus {self.name} is not embedded with {_label(name, pooling)} but with "
            f"{present}: run segtool embed first"
        )


class Workspace:
    """The folder that the commands share.

    Args:
        path: the folder; by default that in SEGTOOL_HOME, else ./.segtool. It is made when
            something is written.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path or os.environ.get("SEGTOOL_HOME") or DEFAULT_FOLDER)
        self.runs = self.path / "runs"
        self.encoders = self.path / "encoders"
        self._corpora = self.path / "corpora"

    def store(self, *, create: bool = False) -> EmbeddingStore:
        """Open the store.

        Raises:
            UserError: there is none and `create` is False.
        """
        if not create and not (self.path / "store").exists():
            raise UserError(self._nothing_embedded())
        return EmbeddingStore(self.path / "store", create=create)

    def save_corpus(
        self,
        name: str,
        corpus: Corpus,
        sentence_rule: str,
        encoder: EncoderReference,
        language: str | None = None,
    ) -> None:
        """Write a corpus that an encoder has encoded, in place of one of the same name.

        If it is the same text as before, its other encoders stay with it.
        """
        path = self._corpora / f"{name}.jsonl"
        body = "\n".join(_document_lines(corpus))
        digest = xxh3_128_hexdigest(body.encode())
        before = _read_header(path) if path.exists() else {}
        others = before["encoders"] if before.get("digest") == digest else []
        latest = asdict(encoder)
        header = {
            "format": 1,
            "name": name,
            "sentence_rule": sentence_rule,
            "language": language,
            "headings_removed": corpus.headings_removed,
            "digest": digest,
            "encoders": [*(other for other in others if other != latest), latest],
        }
        if header == before:
            path.touch()  # it is the latest now
        else:
            write_text(path, json.dumps(header, ensure_ascii=False) + "\n" + body + "\n")

    def corpus_names(self) -> list[str]:
        """List the embedded corpora, the one embedded last at the end."""
        return [path.stem for path in self._corpus_paths()]

    def load_corpus(self, name: str | None = None) -> StoredCorpus:
        """Read a corpus, by default the one embedded last.

        Raises:
            UserError: there is none (of this name).
        """
        present = self._corpus_paths()
        if not present:
            raise UserError(self._nothing_embedded())
        path = self._corpora / f"{name}.jsonl" if name else present[-1]
        if not path.exists():
            known = ", ".join(path.stem for path in present)
            raise UserError(f"no corpus {name!r} in {self.path}; it has: {known}")
        header, *records = map(
            json.loads, path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        )
        documents = [
            Document(record["id"], record["sentences"], np.array(record["labels"], dtype=np.bool_))
            for record in records
        ]
        corpus = Corpus.of(documents, [record["split"] for record in records])
        return StoredCorpus(
            header["name"],
            replace(corpus, headings_removed=header["headings_removed"]),
            header["sentence_rule"],
            header.get("language"),
            header["digest"],
            tuple(EncoderReference(**encoder) for encoder in header["encoders"]),
        )

    def _corpus_paths(self) -> list[Path]:
        return sorted(self._corpora.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)

    def _nothing_embedded(self) -> str:
        return f"nothing is embedded in {self.path} yet: run segtool embed FILE first"


def _label(name: str | None, pooling: Pooling | None) -> str:
    return " ".join([*([name] if name else []), *([f"--pooling {pooling}"] if pooling else [])])


def _document_lines(corpus: Corpus) -> Iterator[str]:
    labels = corpus.labels.astype(int).tolist()
    for i, (start, stop) in enumerate(pairwise(corpus.offsets)):
        record = {
            "id": corpus.document_ids[i],
            "split": corpus.splits[i],
            "sentences": corpus.sentences[start:stop],
            "labels": labels[start:stop],
        }
        yield json.dumps(record, ensure_ascii=False)


def _read_header(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as file:
        header: dict[str, Any] = json.loads(file.readline())
        return header


def write_json(path: Path, content: Any, *, indent: int | None = None) -> None:  # noqa: ANN401
    """Write a JSON file whole or not at all."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=indent))


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all, its newlines as they are."""
    _write(path, lambda file: file.write(text.encode()))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    _write(path, lambda file: file.write(data))


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write a .npy file, without pickle, whole or not at all."""
    _write(path, lambda file: np.save(file, array, allow_pickle=False))


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Make a hidden folder to fill, then to be renamed; what is still there in the end is removed.

    Args:
        parent: where it is made.
    """
    scratch = parent / f".{uuid4().hex}"
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with scratch.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)
