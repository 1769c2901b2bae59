"""Files and folders -> corpus."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from embedcache import UserError
from segclf.corpus import aozora, choi, jsonl, plain
from segclf.corpus.decode import DecodedText
from segclf.corpus.documents import Corpus, Document
from segclf.corpus.files import read_text, read_texts
from segclf.corpus.languages import check_language
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
    check_language(options.language)
    if format_name not in ("auto", *FORMATS):
        raise UserError(f"no format {format_name!r}: choose from auto, {', '.join(FORMATS)}")
    documents = [
        document
        for document_id, text in read_texts(path)
        for document in _format_of(text, document_id, format_name).read(text, document_id, options)
        if document.sentences
    ]
    if not documents:
        raise UserError(f"{path}: there is no sentence in it")
    parts, splits = assign_splits(documents, split)
    return Corpus.of([_with_first_boundary(part) for part in parts], splits)


def read_unsegmented(path: str | Path, *, format_name: str = "auto") -> DecodedText:
    """Read a text to segment, and the encoding that it is in.

    Args:
        path: a file, or "-" for standard input.
        format_name: "plain" to take the text as it is; "aozora" to take what stands between header
            and colophon, without the markup; "auto" to do so only with a whole file of Aozora
            Bunko, which has the library's header or colophon.

    Raises:
        UserError: the text cannot be read, or "auto" finds a corpus that has its segments.
    """
    source = read_text(path)
    if format_name == "auto":
        format_name = _unsegmented_format(source.text, str(path))
    if format_name == "plain":
        return source
    text, _ = aozora.strip_markup(aozora.body_of(source.text), keep_headings=True)
    return source._replace(text=text.strip("\r\n"))


def _unsegmented_format(text: str, name: str) -> str:
    if _format_of(text, name, "auto") in (FORMATS["jsonl"], FORMATS["choi"]):
        raise UserError(
            f"{name} is a corpus with its segments: segment takes plain text (--input-format plain "
            "takes any text as it is)"
        )
    return "aozora" if aozora.is_whole_file(text) else "plain"


def _format_of(text: str, name: str, format_name: str) -> Format:
    if format_name != "auto":
        return FORMATS[format_name]
    if name.lower().endswith(".jsonl"):
        return FORMATS["jsonl"]
    return next(known for known in FORMATS.values() if known.recognizes(text))


def _with_first_boundary(document: Document) -> Document:
    """Begin the document with a paragraph, whatever its layout, its labels or its cut say."""
    return replace(document, labels=document.labels | (np.arange(len(document.labels)) == 0))
