"""Reader for the text of PDF files, without page numbers and running headers."""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import dropwhile, islice

from embedcache import UserError
from segclf.corpus.extracted import Block
from segclf.corpus.packages import require

_HYPHEN_AT_LINE_END = re.compile("[\x02\ufffe]")  # PDFium removes the line break after it
_NUMBER = re.compile(r"\d{1,9}")
_MAX_NUMBERS = 4  # in a line; further ones are not compared with the pages
_PAGE_NUMBER = re.compile("#-?[0-9]+")
_NEARBY_PAGES = 6  # three left and three right pages
_MIN_HEADERS = 3
_MIN_PAGE_NUMBERS = 2  # a short document may have only two pages


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
    """Join the lines of pages without page numbers, and without headers and footers."""
    margins = _margins(pages)
    return [line for index, page in enumerate(pages) for line in _body(page, index, margins)]


def _body(page: list[str], index: int, margins: set[tuple[int, str]]) -> list[str]:
    """Return a page without the lines at its top and bottom that are margins."""

    def is_margin(line: str) -> bool:
        return any((index, key) in margins for key in _keys(line, index))

    body = list(dropwhile(is_margin, page))
    return list(dropwhile(is_margin, reversed(body)))[::-1]


def _margins(pages: list[list[str]]) -> set[tuple[int, str]]:
    """Find headers, footers and page numbers.

    A header or footer is the first or last line of at least three of six consecutive pages. The
    line is the same on these pages, but one of its numbers may count the pages. A line that is only
    such a number is a page number if the numbers of two nearby pages count the pages; on one of
    them, the number may be a part of the first or last two lines.

    Returns:
        Pairs of the index of a page and the key of such a line; see `_keys`.
    """
    places = defaultdict(list)
    for index, page in enumerate(pages):
        keys = {key for line in page[:1] + page[-1:] for key in _keys(line, index)}
        numbers = (n for line in page[:2] + page[-2:] for n in _NUMBER.findall(line))
        for key in keys | {f"#{int(number) - index}" for number in numbers}:
            places[key].append(index)
    margins: set[tuple[int, str]] = set()
    for key, found in places.items():
        count = _MIN_PAGE_NUMBERS if _PAGE_NUMBER.fullmatch(key) else _MIN_HEADERS
        for i in range(len(found) - count + 1):
            nearby = found[i : i + count]
            if nearby[-1] - nearby[0] < _NEARBY_PAGES:
                margins.update((index, key) for index in nearby)
    return margins


def _keys(line: str, index: int) -> Iterator[str]:
    """Yield the line, and for each number the line in which it is relative to the page index.

    Spaces, dashes, bars and brackets at its ends, which may enclose a page number, are removed.
    """
    line = line.strip(" -–—|[]")
    yield line
    for number in islice(_NUMBER.finditer(line), _MAX_NUMBERS):
        yield f"{line[: number.start()]}#{int(number[0]) - index}{line[number.end() :]}"
