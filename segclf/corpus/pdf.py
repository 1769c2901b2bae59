"""Reader for the text of PDF files, without page numbers and running headers."""

import re
from collections import Counter

from embedcache import UserError
from segclf.corpus.extracted import Block
from segclf.corpus.packages import require

_HYPHEN_AT_LINE_END = re.compile("[\x02\ufffe]")  # PDFium removes the line break after it
_DIGITS = re.compile(r"\d+")
_MIN_REPETITIONS = 3


def recognizes(data: bytes) -> bool:
    """Return whether a file is a PDF."""
    return data.startswith(b"%PDF-")


def read(data: bytes, name: str, _encoding: str | None) -> list[Block]:
    """Read the lines of all pages.

    Raises:
        UserError: The file is damaged or encrypted or has no text, or the package that reads PDF is
            missing.
    """
    require(name, "PDF", "pypdfium2")
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        with PdfDocument(data) as document:
            texts = [page.get_textpage().get_text_bounded() for page in document]
    except PdfiumError as error:
        protected = "is protected by a password: save it without the password"
        damaged = "is damaged: copy or download it again"
        problem = protected if "assword" in str(error) else damaged
        raise UserError(f"{name} is a PDF that {problem}") from error
    pages = [_HYPHEN_AT_LINE_END.sub("-\n", text).splitlines() for text in texts]
    lines = _without_margins([[line for line in page if line.strip()] for page in pages])
    if not lines:
        raise UserError(
            f"{name} is a PDF without text: if its pages are scanned images, recognize their text "
            "first (OCR)"
        )
    return [Block("\n".join(lines))]


def _without_margins(pages: list[list[str]]) -> list[str]:
    """Join the lines of pages without page numbers, and without headers and footers.

    A header or footer is the first or the last line of at least three pages. The numbers in these
    lines may differ.
    """
    edges = Counter(
        key for page in pages for key in {_key(line) for line in (page[:1] + page[-1:])}
    )
    repeated = {key for key, count in edges.items() if count >= _MIN_REPETITIONS} | {"#"}
    lines = []
    for page in pages:
        while page and _key(page[0]) in repeated:
            page = page[1:]
        while page and _key(page[-1]) in repeated:
            page = page[:-1]
        lines += page
    return lines


def _key(line: str) -> str:
    """Return a line with "#" for each number.

    Spaces, dashes, bars and brackets at its ends, which may enclose a page number, are removed.
    """
    return _DIGITS.sub("#", line).strip(" -–—|[]")
