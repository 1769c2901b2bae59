"""Aozora Bunko: ruby, annotations, characters outside Shift_JIS, header and colophon.

The markup is described at the head of each of the library's files and in its annotation manual.
"""

import re
import sys
import unicodedata
from dataclasses import replace

from segclf.corpus import plain
from segclf.corpus.documents import Document
from segclf.corpus.layout import BLANK_LINE
from segclf.corpus.plain import ReadOptions

_RULER = re.compile(r"^-{20,}[ \t]*\r?$", re.MULTILINE)
_COLOPHON = re.compile(r"^底本[：:]", re.MULTILINE)
_RUBY = re.compile(r"《[^《》\r\n]*》")
_GAIJI = re.compile(r"※［＃([^［］]*(?:［＃[^［］]*］[^［］]*)*)］")
_ANNOTATION = re.compile(r"［＃[^［］]*(?:［＃[^［］]*］[^［］]*)*］")
_HEADING_LINE = re.compile(r"^[^\r\n]*［＃[^［］\r\n]*見出し[^［］\r\n]*］[^\r\n]*$", re.MULTILINE)
_HEADING_BLOCK = re.compile(
    r"［＃ここから[^［］\r\n]*見出し］.*?［＃ここで[^［］\r\n]*見出し終わり］", re.DOTALL
)
_ANNOTATION_LINE = re.compile(r"^[ \u3000]*(?:［＃[^［］\r\n]*］[ \u3000]*)+\r?\n", re.MULTILINE)
_JIS_CODE = re.compile(r"(?:第\d水準|面区点番号)?([12])-(\d{1,2})-(\d{1,2})")
_UNICODE_CODE = re.compile(r"U\+([0-9A-Fa-f]{4,6})")
_ACCENTED = re.compile(r"〔([^〔〕]*)〕")
_LIGATURES = re.compile(r"(AE|ae|OE|oe|s)&")
_LETTER_WITH_MARK = re.compile(r"([A-Za-z])([`'^~:&,_])")
_MARKS = dict(zip("`'^~:&,_", "\u0300\u0301\u0302\u0303\u0308\u030a\u0327\u0304", strict=True))
_GETA = "〓"  # the printer's mark for a missing character
_HIGHEST_CELL = 94  # of a row, and so many rows
_TITLE_LINES = 6


def recognizes(text: str) -> bool:
    """Say whether a text has the library's annotations, or its colophon."""
    return "［＃" in text or _COLOPHON.search(text) is not None


def read(text: str, document_id: str, options: ReadOptions) -> list[Document]:
    """Read one document: the text between header and colophon, without its markup."""
    body, headings = strip_markup(body_of(text), keep_headings=False)
    (document,) = plain.read(body, document_id, options)
    return [replace(document, headings=document.headings + headings)]


def strip_markup(text: str, *, keep_headings: bool) -> tuple[str, int]:
    """Remove the markup.

    Args:
        text: a text without header and colophon.
        keep_headings: leave headings in, without their markup.

    Returns:
        The text, ruby and annotations gone, characters outside Shift_JIS put in; and the count of
        headings that were removed with their lines.
    """
    headings = 0
    for heading in () if keep_headings else (_HEADING_BLOCK, _HEADING_LINE):
        text, count = heading.subn("", text)
        headings += count
    text = _RUBY.sub("", text).replace("｜", "")  # before a gaiji becomes one of these brackets
    text = _GAIJI.sub(lambda match: _character(match.group(1)), text)
    text = _ACCENTED.sub(_compose_accents, text)
    text = _ANNOTATION_LINE.sub("", text)
    return _ANNOTATION.sub("", text), headings


def body_of(text: str) -> str:
    """Cut the title, the explanation of the markup between two rulers, and the colophon.

    A text that has neither rulers nor colophon is an excerpt, all of it is body.
    """
    rulers, colophons = (list(mark.finditer(text)) for mark in (_RULER, _COLOPHON))
    if colophons:
        text = text[: colophons[-1].start()]
    if len(rulers) >= 2:
        return text[rulers[1].end() :]
    if not colophons:
        return text
    # no explanation: title and author stand above the first blank line
    head, *rest = BLANK_LINE.split(text, maxsplit=1)
    return rest[0] if rest and len(head.splitlines()) <= _TITLE_LINES else text


def _compose_accents(match: re.Match[str]) -> str:
    """Turn 〔Bru:cke〕 into Brücke; brackets around anything else stay."""
    ligatures = {"AE": "Æ", "ae": "æ", "OE": "Œ", "oe": "œ", "s": "ß"}
    inside = _LIGATURES.sub(lambda found: ligatures[found.group(1)], match.group(1))
    composed = _LETTER_WITH_MARK.sub(
        lambda found: unicodedata.normalize("NFC", found.group(1) + _MARKS[found.group(2)]), inside
    )
    return match.group() if composed == match.group(1) else composed


def _character(note: str) -> str:
    """Return the character that a note on one outside Shift_JIS describes."""
    if match := _UNICODE_CODE.search(note):
        number = int(match.group(1), 16)
        known = number <= sys.maxunicode and unicodedata.category(chr(number)) != "Cs"
        return chr(number) if known else _GETA
    if match := _JIS_CODE.search(note):
        plane, row, cell = (int(number) for number in match.groups())
        if max(row, cell) > _HIGHEST_CELL:
            return _GETA
        encoded = bytes([0x8F] if plane == 2 else []) + bytes([0xA0 + row, 0xA0 + cell])
        return encoded.decode("euc_jis_2004", errors="ignore") or _GETA
    return _GETA
