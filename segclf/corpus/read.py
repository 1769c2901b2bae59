"""Reading a corpus, or a text to segment, from files in any supported format."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from embedcache import UserError
from segclf.corpus import aozora, choi, jsonl, plain
from segclf.corpus.decode import DecodedText
from segclf.corpus.documents import Corpus, Document
from segclf.corpus.files import read_text, read_texts
from segclf.corpus.options import FormatName, ReadOptions
from segclf.corpus.splits import assign_splits

UnsegmentedFormatName = Literal["auto", "plain", "aozora"]


@dataclass(frozen=True)
class Format:
    """A text format and the functions of its reader module.

    Attributes:
        recognizes: Function that returns whether a text is in the format.
        read: Function that returns the documents of a text, given the text, the id of the file
            and the options.
        is_segmented: Whether texts in the format are always segmented already.
    """

    recognizes: Callable[[str], bool]
    read: Callable[[str, str, ReadOptions], list[Document]]
    is_segmented: bool = False


FORMATS: dict[FormatName, Format] = {
    "jsonl": Format(jsonl.recognizes, jsonl.read, is_segmented=True),
    "choi": Format(choi.recognizes, choi.read, is_segmented=True),
    "aozora": Format(aozora.recognizes, aozora.read),
    "plain": Format(plain.recognizes, plain.read),
}
"""Formats in the order in which they are tried. To add one, add a module, its name to
`segclf.corpus.options.FormatName` and a line here."""


def read_corpus(
    path: str | Path,
    *,
    format_name: Literal["auto", FormatName] = "auto",
    options: ReadOptions | None = None,
    split: str | None = None,
) -> Corpus:
    """Read a file, a folder of files, or standard input.

    Args:
        path: File, folder (its .txt, .text, .md, .ref and .jsonl files at any depth are read), or
            "-" for standard input.
        format_name: Name in `FORMATS`; "auto" to detect the format of each file: JSON Lines for the
            suffix .jsonl, otherwise from its content.
        options: How to find paragraphs and sentences; None for the defaults.
        split: Split for all documents, or shares such as "80/10/10"; None to use the splits given
            by the files or folders, or 80/10/10 if there are none. See
            `segclf.corpus.splits.assign_splits`.

    Raises:
        UserError: A file cannot be read, the text contains no sentences, the format is unknown, the
            split is invalid, or only some of the documents have a split.
    """
    options = options or ReadOptions()
    check_format_name(format_name)
    documents = [
        document
        for document_id, text in read_texts(path)
        for document in read_documents(text, document_id, format_name, options)
    ]
    if not documents:
        raise UserError(f"{path} contains no sentences: choose a file or folder with text")
    return Corpus.of(*assign_splits(documents, split))


def check_format_name(format_name: str) -> None:
    """Check the name of a format.

    Raises:
        UserError: There is no such format.
    """
    if format_name not in ("auto", *FORMATS):
        raise UserError(f"unknown format {format_name!r}: choose from auto, {', '.join(FORMATS)}")


def read_documents(
    text: str, name: str, format_name: Literal["auto", FormatName], options: ReadOptions
) -> list[Document]:
    """Read the documents of one text that have sentences.

    Args:
        text: Content of a file.
        name: Id of the file; see `segclf.corpus.files.read_texts`.
        format_name: Name in `FORMATS`, or "auto"; see `read_corpus`.
        options: How to find paragraphs and sentences.

    Raises:
        UserError: The text is not in the format.
    """
    documents = _format_of(text, name, format_name).read(text, name, options)
    return [document for document in documents if document.sentences]


def read_unsegmented(
    path: str | Path, *, format_name: UnsegmentedFormatName = "auto"
) -> DecodedText:
    """Read a text to segment.

    Args:
        path: File, or "-" for standard input.
        format_name: "plain" to read the text as it is; "aozora" to remove the markup, the header
            and the colophon of Aozora Bunko; "auto" to remove them only from a complete file of
            Aozora Bunko, which has the header or the colophon of the library.

    Returns:
        The text and its encoding.

    Raises:
        UserError: The file cannot be read, the format is unknown, or the format is "auto" and the
            file is a corpus that is already segmented.
    """
    choices = get_args(UnsegmentedFormatName)
    if format_name not in choices:
        raise UserError(f"unknown format {format_name!r}: choose from {', '.join(choices)}")
    source = read_text(path)
    if format_name == "auto":
        format_name = _unsegmented_format(source.text, str(path))
    if format_name == "plain":
        return source
    text, _ = aozora.strip_markup(aozora.body_of(source.text), keep_headings=True)
    return source._replace(text=text.strip("\r\n"))


def _unsegmented_format(text: str, name: str) -> Literal["plain", "aozora"]:
    if _format_of(text, name, "auto").is_segmented:
        raise UserError(
            f"{name} is a corpus that is already segmented, but segment takes plain text: use "
            "--input-format plain to read the file as it is"
        )
    return "aozora" if aozora.is_whole_file(text) else "plain"


def _format_of(text: str, name: str, format_name: Literal["auto", FormatName]) -> Format:
    if format_name != "auto":
        return FORMATS[format_name]
    if name.lower().endswith(".jsonl"):
        return FORMATS["jsonl"]
    return next(known for known in FORMATS.values() if known.recognizes(text))
