"""Reading a corpus, or a text to segment, from files in any supported format."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from embedcache import UserError
from segclf.corpus import aozora, choi, jsonl, plain
from segclf.corpus.compressed import plain_name
from segclf.corpus.decode import DecodedText, TextEncoding
from segclf.corpus.documents import Corpus, Document
from segclf.corpus.extracted import ExtractedText
from segclf.corpus.files import corpus_files, read_file
from segclf.corpus.options import FormatName, ReadOptions, check_format_options
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
    strict: bool = True,
) -> Corpus:
    """Read a file, a folder of files, or standard input.

    Args:
        path: File, folder (its files with a suffix in `segclf.corpus.files.CORPUS_SUFFIXES` are
            read, at any depth), or "-" for standard input. Files may be compressed.
        format_name: Name in `FORMATS`; "auto" to detect the format of each file: JSON Lines for the
            suffix .jsonl, otherwise from its content, including HTML, EPUB and DOCX.
        options: How to find paragraphs and sentences; None for the defaults.
        split: Split for all documents, or shares such as "80/10/10"; None to use the splits given
            by the files or folders, or 80/10/10 if there are none. See
            `segclf.corpus.splits.assign_splits`.
        strict: Whether to raise an error for an entry of a folder that cannot be read. Otherwise,
            it is skipped, and `skipped` of the corpus contains a message, unless no document is
            left.

    Raises:
        UserError: A file cannot be read, the text contains no sentences, the format is unknown or
            ignores an option, the split is invalid, or only some of the documents have a split.
    """
    options = options or ReadOptions()
    check_format(format_name, options)
    documents: list[Document] = []
    unreadable: dict[Path, str] = {}
    files = corpus_files(path, None if strict else unreadable)
    skipped = list(unreadable.values())
    for name, file in files:
        try:
            source = read_file(
                file, encoding=options.text_encoding, extracting=format_name == "auto"
            )
            documents += read_documents(source, name, format_name, options)
        except UserError as error:
            if strict or len(files) == 1:
                raise
            skipped.append(str(error))
    if not documents:
        raise UserError(f"{path} contains no sentences: {skipped[0]}")
    return replace(Corpus.of(*assign_splits(documents, split)), skipped=tuple(skipped))


def check_format(format_name: str, options: ReadOptions) -> None:
    """Check the name of a format, and that the format ignores no option that is set.

    Raises:
        UserError: There is no such format, or it ignores an option that is set.
    """
    if format_name not in ("auto", *FORMATS):
        raise UserError(f"unknown format {format_name!r}: choose from auto, {', '.join(FORMATS)}")
    check_format_options(format_name, options)


def read_documents(
    source: DecodedText | ExtractedText,
    name: str,
    format_name: Literal["auto", FormatName],
    options: ReadOptions,
) -> list[Document]:
    """Read the documents of one file, without those that have no sentences.

    Args:
        source: Content of the file; see `segclf.corpus.files.interpret`.
        name: Id of the file; see `segclf.corpus.files.corpus_files`.
        format_name: Name in `FORMATS`, or "auto"; see `read_corpus`.
        options: How to find paragraphs and sentences.

    Raises:
        UserError: The text is not in the format, contains no sentences, or was extracted from a
            format that does not mark paragraphs.
    """
    if isinstance(source, ExtractedText):
        documents = [source.to_document(name, options)]
    else:
        documents = _format_of(source.text, name, format_name).read(source.text, name, options)
    found = [document for document in documents if document.sentences]
    if not found:
        raise UserError(f"{name} contains no sentences")
    return found


def read_unsegmented(
    path: str | Path,
    *,
    format_name: UnsegmentedFormatName = "auto",
    encoding: str | None = None,
) -> DecodedText:
    """Read a text to segment.

    Args:
        path: File, or "-" for standard input. It may be compressed.
        format_name: "plain" to read the text as it is; "aozora" to remove the markup, the header
            and the colophon of Aozora Bunko; "auto" to remove them only from a complete file of
            Aozora Bunko, which has the header or the colophon of the library, and to extract the
            text of HTML, EPUB, DOCX, PDF and subtitles.
        encoding: Encoding of the file; None to detect it.

    Returns:
        The text and its encoding; UTF-8 for a text that was extracted.

    Raises:
        UserError: The file cannot be read, the format is unknown, or the format is "auto" and the
            file is a corpus that is already segmented.
    """
    choices = get_args(UnsegmentedFormatName)
    if format_name not in choices:
        raise UserError(f"unknown format {format_name!r}: choose from {', '.join(choices)}")
    source = read_file(path, encoding=encoding, extracting=format_name == "auto")
    if isinstance(source, ExtractedText):
        return DecodedText(source.to_text(), TextEncoding("utf-8"))
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
    if plain_name(name).lower().endswith(".jsonl"):
        return FORMATS["jsonl"]
    return next(known for known in FORMATS.values() if known.recognizes(text))
