"""Files and folders -> corpus."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from embedcache import UserError
from segclf.corpus import aozora, choi, jsonl, plain
from segclf.corpus.decode import decode
from segclf.corpus.documents import Corpus, Document
from segclf.corpus.plain import ReadOptions
from segclf.corpus.sentences import sentence_rule
from segclf.corpus.splits import assign_splits


@dataclass(frozen=True)
class Format:
    """A text format.

    Attributes:
        recognizes: whether a text is of this format.
        read: text, document id and options to documents.
    """

    recognizes: Callable[[str], bool]
    read: Callable[[str, str, ReadOptions], list[Document]]


FORMATS = {
    "jsonl": Format(jsonl.recognizes, jsonl.read),
    "choi": Format(choi.recognizes, choi.read),
    "aozora": Format(aozora.recognizes, aozora.read),
    "plain": Format(plain.recognizes, plain.read),
}
"""In the order of detection. A new format is a module beside these and a line here."""

TEXT_SUFFIXES = {".txt", ".text", ".md", ".ref", ".jsonl"}


def read_corpus(
    path: str | Path,
    *,
    format_name: str = "auto",
    options: ReadOptions | None = None,
    split: str | None = None,
) -> Corpus:
    """Read a file, a folder of files, or standard input.

    Args:
        path: a file, a folder (every .txt, .text, .md, .ref and .jsonl file below it), or "-".
        format_name: a name in `FORMATS`, or "auto" to tell by each file's content; what is called
            .jsonl is JSON Lines.
        options: layout and sentences.
        split: see `segclf.corpus.splits.assign_splits`.

    Raises:
        UserError: nothing to read, or nothing in it.
    """
    options = options or ReadOptions()
    sentence_rule(options.sentences)
    if format_name not in ("auto", *FORMATS):
        raise UserError(f"no format {format_name!r}: choose from auto, {', '.join(FORMATS)}")
    documents = [
        document
        for document_id, text in _texts(path)
        for document in _format_of(text, document_id, format_name).read(text, document_id, options)
        if document.sentences
    ]
    if not documents:
        raise UserError(f"{path}: there is no sentence in it")
    parts, splits = assign_splits(documents, split)
    return Corpus.of([_with_first_boundary(part) for part in parts], splits)


def read_text(path: str | Path) -> str:
    """Read one file, or standard input for "-", in whatever encoding it is.

    Raises:
        UserError: there is no such file, or it cannot be decoded.
    """
    if str(path) == "-":
        return decode(sys.stdin.buffer.read(), "standard input").text
    try:
        return decode(Path(path).read_bytes(), str(path)).text
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise UserError(f"{path}: is a folder, expected a file") from error
    except PermissionError as error:
        raise UserError(f"{path}: may not be read") from error


def _texts(path: str | Path) -> list[tuple[str, str]]:
    """Return (document id, text) of every file."""
    folder = Path(path)
    if not folder.is_dir():
        name = "stdin" if str(path) == "-" else _document_id(Path(folder.name))
        return [(name, read_text(path))]
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.is_file()
        and file.suffix.lower() in TEXT_SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
    if not files:
        raise UserError(f"{path}: no {', '.join(sorted(TEXT_SUFFIXES))} file in this folder")
    return [(_document_id(file.relative_to(folder)), read_text(file)) for file in files]


def _document_id(path: Path) -> str:
    try:
        path.as_posix().encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{path!a}: its name is not UTF-8: rename it") from error
    return path.as_posix()


def read_unsegmented(path: str | Path) -> str:
    """Read a text to segment; of one from Aozora Bunko what stands between header and colophon.

    Raises:
        UserError: it cannot be read, or it holds segments already.
    """
    text = read_text(path)
    known = _format_of(text, str(path), "auto")
    if known in (FORMATS["jsonl"], FORMATS["choi"]):
        raise UserError(f"{path} is a corpus with its segments: segment takes plain text")
    if known is FORMATS["aozora"]:
        text, _ = aozora.strip_markup(aozora.body_of(text), keep_headings=True)
        text = text.strip("\r\n")
    return text


def _format_of(text: str, name: str, format_name: str) -> Format:
    if format_name != "auto":
        return FORMATS[format_name]
    if name.lower().endswith(".jsonl"):
        return FORMATS["jsonl"]
    return next(known for known in FORMATS.values() if known.recognizes(text))


def _with_first_boundary(document: Document) -> Document:
    """Begin the document with a paragraph, whatever its layout, its labels or its cut say."""
    return replace(document, labels=document.labels | (np.arange(len(document.labels)) == 0))
