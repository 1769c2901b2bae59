"""Extraction of the text of files with markup; the format is detected from content or suffix."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from embedcache import UserError
from segclf.corpus import docx, epub, html, pdf, subtitles
from segclf.corpus.compressed import open_archive
from segclf.corpus.extracted import Block, ExtractedText

HTML_SUFFIXES = frozenset((".html", ".htm", ".xhtml"))
MARKED_SUFFIXES = HTML_SUFFIXES | {".epub", ".docx"}
"""Suffixes of files whose formats mark paragraphs."""
UNMARKED_SUFFIXES = frozenset((".srt", ".vtt", ".pdf"))
"""Suffixes of files whose formats do not mark paragraphs."""
_OTHER_ARCHIVES = {
    "xl/workbook.xml": "an Excel workbook",
    "ppt/presentation.xml": "a PowerPoint presentation",
    "content.xml": "an OpenDocument file",
}
"""Kinds of archives that are not supported, by the name of a member."""
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class FileFormat:
    """A format with markup, and its reader.

    Attributes:
        kind: Name of the format with an indefinite article, for messages.
        read: Function that returns the paragraphs and headings, given the content of a file, its
            name, and the encoding given by the user, or None.
        has_paragraphs: Whether the format marks paragraphs.
    """

    kind: str
    read: Callable[[bytes, str, str | None], list[Block]]
    has_paragraphs: bool = True


_EPUB = FileFormat("an EPUB", epub.read)
_DOCX = FileFormat("a Word document", docx.read)
_HTML = FileFormat("an HTML page", html.read)
_PDF = FileFormat("a PDF", pdf.read, has_paragraphs=False)
_SUBTITLES = FileFormat("a file of subtitles", subtitles.read, has_paragraphs=False)


def extract(data: bytes, name: str, encoding: str | None = None) -> ExtractedText | None:
    """Return the text of a file with markup; None for other files.

    Args:
        data: Content of the file.
        name: Name of the file, for its suffix and for error messages.
        encoding: Encoding of an HTML page, of subtitles, or of the chapters of an EPUB that are not
            Unicode; None to detect it.

    Raises:
        UserError: The file cannot be decoded or read, it is an archive of an unsupported format, or
            the package that reads its format is missing.
    """
    found = _format_of(data, name)
    if found is None:
        return None
    return ExtractedText(found.kind, found.read(data, name, encoding), found.has_paragraphs)


def _format_of(data: bytes, name: str) -> FileFormat | None:
    if data.startswith(_ZIP):
        with open_archive(data, name) as archive:
            members = archive.namelist()
        known = ((epub.recognizes, _EPUB), (docx.recognizes, _DOCX))
        for member, kind in _OTHER_ARCHIVES.items():
            if member in members:
                raise UserError(f"{name} is {kind}: save it as text, HTML or DOCX")
        return next((format_ for recognizes, format_ in known if recognizes(members)), None)
    if pdf.recognizes(data):
        return _PDF
    if html.recognizes(data) or PurePath(name).suffix.lower() in HTML_SUFFIXES:
        return _HTML
    return _SUBTITLES if subtitles.recognizes(data) else None
