"""Corpus files: reading and writing the corpora of a workspace."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from shutil import copyfileobj
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, TypeAdapter
from typing_extensions import Required, TypedDict
from xxhash import xxh3_128

from embedcache import UserError
from embedcache.encoders import Pooling, is_fingerprint
from embedcache.files import write_file
from embedcache.folder_lock import folder_lock
from segclf.corpus import Corpus, Document, Split
from segclf.corpus.documents import PARAGRAPH
from segclf.corpus.totals import CorpusTotals
from segclf.workspace.corpora import EncoderReference, StoredCorpus
from segclf.workspace.files import (
    CHECKSUM,
    NewerFormatError,
    check_format,
    now,
    verify_checksum,
    with_checksum,
)

_FORMAT = 1  # number of the format of corpus files


def _checked_fingerprint(text: str) -> str:
    if not is_fingerprint(text):  # file names contain it, so it must not be a path
        raise ValueError("not a fingerprint")
    return text


class _Encoder(TypedDict):
    """An encoder in the first line of a corpus file."""

    name: str
    pooling: Pooling | None
    fingerprint: Annotated[str, AfterValidator(_checked_fingerprint)]


class _Counts(TypedDict):
    """Numbers of documents, sentences and boundaries of a split."""

    documents: int
    sentences: int
    boundaries: int


class _Header(TypedDict, total=False):
    """Types of fields in the first line of a corpus file; early versions wrote only some."""

    embedded: str
    sentence_rule: str
    language: str | None
    source: str | None
    counts: dict[Split, _Counts]
    headings_removed: int
    digest: str
    encoders: Required[Annotated[list[_Encoder], Field(min_length=1)]]


class _Record(TypedDict):
    """A document in a corpus file."""

    id: str
    split: Split
    sentences: list[str]
    labels: list[Annotated[int, Field(ge=0, le=PARAGRAPH, strict=False)]]  # bool in early files


_HEADER, _RECORD = TypeAdapter(_Header), TypeAdapter(_Record)


def write_corpus_file(
    path: Path,
    parts: Iterable[Corpus],
    sentence_rule: str,
    encoder: EncoderReference,
    language: str | None,
    source: str | None,
) -> None:
    """Write a corpus that is given in parts; see `Workspace.save_corpus`."""

    def write(scratch: Path) -> None:
        body = scratch.with_name("documents")
        digest, totals = _write_documents(body, parts)
        header = _header(path, digest, totals, sentence_rule, encoder, language, source)
        first_line = json.dumps(with_checksum(header), ensure_ascii=False)
        with scratch.open("wb") as file, body.open("rb") as documents:
            file.write(first_line.encode() + b"\n")
            copyfileobj(documents, file)

    path.parent.mkdir(parents=True, exist_ok=True)
    # another process may write the same corpus; the header keeps the encoders of the earlier file
    with folder_lock(path.parent, exclusive=True):
        write_file(path, write)


def _header(
    path: Path,
    digest: str,
    totals: CorpusTotals,
    sentence_rule: str,
    encoder: EncoderReference,
    language: str | None,
    source: str | None,
) -> dict[str, Any]:
    try:
        replaced = read_header(path) if path.exists() else {}
    except UserError:  # the file is damaged or has a newer format
        replaced = {}
    earlier = replaced["encoders"] if replaced.get("digest") == digest else []
    latest = asdict(encoder)
    return {
        "format": _FORMAT,
        "name": path.stem,
        "embedded": now(),
        "sentence_rule": sentence_rule,
        "language": language,
        "source": source,
        "counts": totals.splits,
        "headings_removed": totals.headings_removed,
        "digest": digest,
        "encoders": [*(other for other in earlier if other != latest), latest],
    }


def other_source(path: Path, parts: Iterable[Corpus], source: str) -> str | None:
    """Return the source of the existing corpus if a new corpus has another source and another text.

    Args:
        path: File of the existing corpus, which the new corpus would replace. It may be missing.
        parts: New corpus in parts, which are only read if the sources differ.
        source: Source of the new corpus; see `segclf.workspace.workspace.Workspace.save_corpus`.

    Returns:
        The source; None if the source or the text is the same, the source is unknown, or the file
        is missing, is damaged or has a newer format.
    """
    try:
        header = read_header(path) if path.exists() else {}
    except UserError:  # a file that is damaged or has a newer format may be replaced
        return None
    earlier = header.get("source")
    if earlier in (None, source):
        return None
    return None if header.get("digest") == corpus_digest(parts) else str(earlier)


def corpus_digest(parts: Iterable[Corpus]) -> str:
    """Return the digest of a corpus that is given in parts; see `StoredCorpus`."""
    digest = xxh3_128()
    for line in _document_bytes(parts):
        digest.update(line)
    return digest.hexdigest()


def _write_documents(path: Path, parts: Iterable[Corpus]) -> tuple[str, CorpusTotals]:
    """Write the documents of a corpus, and return their hash and counts."""
    digest, totals = xxh3_128(), CorpusTotals()
    with path.open("wb") as file:
        for line in _document_bytes(totals.count(parts)):
            digest.update(line)
            file.write(line)
        file.write(b"\n")
    return digest.hexdigest(), totals


def _document_bytes(parts: Iterable[Corpus]) -> Iterator[bytes]:
    """Yield the lines of the documents, separated by line feeds."""
    separator = b""
    for part in parts:
        for line in _document_lines(part):
            yield separator + line.encode()
            separator = b"\n"


def _document_lines(corpus: Corpus) -> Iterator[str]:
    """Yield the JSON object of each document."""
    labels = corpus.types.tolist()
    for document_id, split, (start, stop) in zip(
        corpus.document_ids, corpus.splits, corpus.layout.documents, strict=True
    ):
        record = {
            "id": document_id,
            "split": split,
            "sentences": corpus.sentences[start:stop],
            "labels": labels[start:stop],
        }
        yield json.dumps(record, ensure_ascii=False)


def read_header(path: Path) -> dict[str, Any]:
    """Read the first line of a corpus file.

    Raises:
        UserError: The line is not a valid header, does not match its checksum, or has a newer
            format.
    """
    with _translate_damage(path), path.open(encoding="utf-8") as file:
        header: dict[str, Any] = json.loads(file.readline())
        check_format(header.get("format", _FORMAT), _FORMAT)
        _HEADER.validate_python(header, strict=True)
        verify_checksum(header)
        return header


def corpora_of_spaces(paths: Iterable[Path]) -> dict[str, list[str]]:
    """Return the names of the corpora that use each space of the store.

    Args:
        paths: Corpus files.

    Returns:
        Names of corpora by the fingerprint of the space.

    Raises:
        UserError: A file is damaged or has a newer format.
    """
    names: dict[str, list[str]] = {}
    for path in paths:
        header = read_header(path)
        with _translate_damage(path):
            encoders = [EncoderReference(**encoder) for encoder in header["encoders"]]
            spaces = dict.fromkeys(
                part.fingerprint for encoder in encoders for part in encoder.parts
            )
        for fingerprint in spaces:
            names.setdefault(fingerprint, []).append(path.stem)
    return names


def read_corpus_file(path: Path) -> StoredCorpus:
    """Read a corpus.

    Raises:
        UserError: The file is damaged or has a newer format.
    """
    header = read_header(path)
    with _translate_damage(path):
        _, _, body = path.read_text(encoding="utf-8").partition("\n")
        body = body.removesuffix("\n")
        # early versions wrote no checksum, and their digest was the hash of other data
        if CHECKSUM in header and xxh3_128(body.encode()).hexdigest() != header["digest"]:
            raise ValueError
        lines = body.split("\n")
        records = [_RECORD.validate_python(json.loads(line), strict=True) for line in lines]
        if any(len(record["labels"]) != len(record["sentences"]) for record in records):
            raise ValueError
        documents = [
            Document(
                record["id"],
                record["sentences"],
                np.array(record["labels"], dtype=np.int8),
                is_typed=True,
            )
            for record in records
        ]
        corpus = Corpus.of(documents, [record["split"] for record in records])
        return StoredCorpus(
            name=path.stem,
            corpus=replace(corpus, headings_removed=header["headings_removed"]),
            sentence_rule=header["sentence_rule"],
            language=header.get("language"),
            digest=header["digest"],
            encoders=tuple(EncoderReference(**encoder) for encoder in header["encoders"]),
        )


@contextmanager
def _translate_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except NewerFormatError as error:
        raise UserError(f"the corpus file {path} {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"the corpus file {path} is damaged: run segtool embed with --name {path.stem} again, "
            "or delete the file"
        ) from error
