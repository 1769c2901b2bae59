"""Reader for Aozora Bunko files: removes ruby, annotations, the header and the colophon.

The markup is described in the header of each file and in Aozora Bunko's annotation manual.
Annotations that describe characters outside Shift_JIS (gaiji) are replaced with these characters.
"""

import re
import sys
import unicodedata
from dataclasses import replace

from segclf.corpus import plain
from segclf.corpus.documents import Document
from segclf.corpus.lines import BLANK_LINE, NEWLINE
from segclf.corpus.options import ReadOptions

_LINE_BEGIN, _LINE_END = r"(?<![^\r\n])", r"(?![^\r\n])"  # ^ and $ do not match at a CR
_RULER = rf"{_LINE_BEGIN}-{{20,}}[ \t]*{_LINE_END}"
_EXPLANATION = r"【(?=[^】\r\n]*記号)[^】\r\n]*】"
_HEADER = re.compile(rf"{_RULER}{NEWLINE}{_EXPLANATION}.*?{_RULER}", re.DOTALL)
_COLOPHON = re.compile(rf"{_LINE_BEGIN}底本[：:]")
_COLOPHON_CREDITS = re.compile(rf"{_LINE_BEGIN}(?:入力[：:]|校正[：:]|青空文庫作成ファイル)")
_RUBY = re.compile(r"《[^《》\r\n]*》")
_GAIJI = re.compile(r"※［＃([^［］]*(?:［＃[^［］]*］[^［］]*)*)］")
_ANNOTATION = re.compile(r"［＃[^［］]*(?:［＃[^［］]*］[^［］]*)*］")
_HEADING_MARK = re.compile(
    r"［＃ここ(?:(?P<begins>から)[^［］\r\n]*見出し|で[^［］\r\n]*見出し終わり)］"
)
_ANNOTATION_IN_LINE = re.compile(r"［＃([^［］\r\n]*)］")
_NEWLINE = re.compile(NEWLINE)
_ANNOTATION_LINE = re.compile(rf"{_LINE_BEGIN}[ \u3000]*(?:［＃[^［］\r\n]*］[ \u3000]*)+{NEWLINE}")
_JIS_CODE = re.compile(r"(?:第\d水準|面区点番号)?([12])-(\d{1,2})-(\d{1,2})")
_UNICODE_CODE = re.compile(r"U\+([0-9A-Fa-f]{4,6})")
_ACCENTED = re.compile(r"〔([^〔〕]*)〕")
_ACCENT = re.compile(
    r"(?:AE|ae|OE|oe|s)&|[DLOdhilo]/|[!?]@|[AEINOUaeinou][`~]|[AEIOUYaeiouy]'|[CSTcst],(?=[A-Za-z])"
    r"|[ACEGHIJOSUaceghijosu]\^|[AEIOUaeiouy]:|[AUau]&|[AEIOUaeiou]_"
)
"""Notation of accents (https://www.aozora.gr.jp/accent_separation.html), and of ¡ and ¿.

The table of Aozora Bunko also has acute accents on consonants, and does not exclude cedillas at the
end of a word. In the texts, these are apostrophes (c'est) and commas."""
_MARKS = dict(zip("`'^~:&,_", "\u0300\u0301\u0302\u0303\u0308\u030a\u0327\u0304", strict=True))
_OTHER_ACCENTS = {
    **{"AE&": "Æ", "ae&": "æ", "OE&": "Œ", "oe&": "œ", "s&": "ß", "!@": "¡", "?@": "¿"},
    **{"D/": "Đ", "d/": "đ", "h/": "ħ", "i/": "ɨ", "L/": "Ł", "l/": "ł", "O/": "Ø", "o/": "ø"},
}
"""Characters that Unicode does not compose of a letter and a mark."""
_GETA = "〓"  # replaces a character whose code is missing or invalid
_MAX_CELL = 94  # number of cells in a row of JIS X 0213, and of rows in a plane
_MAX_TITLE_LINES = 6


def recognizes(text: str) -> bool:
    """Return whether a text has Aozora Bunko annotations or a colophon.

    Unlike `is_whole_file`, this function also recognizes excerpts.
    """
    return "［＃" in text or _COLOPHON.search(text) is not None


def is_whole_file(text: str) -> bool:
    """Return whether a text is a complete file of Aozora Bunko.

    Such a file has a header with an explanation of the markup between two rulers, or a colophon
    that names the source edition and then the typist, the proofreader or Aozora Bunko. Annotations
    alone are not sufficient, because other texts may contain them too.
    """
    if _HEADER.search(text):
        return True
    colophon = _COLOPHON.search(text)
    return colophon is not None and _COLOPHON_CREDITS.search(text, colophon.end()) is not None


def read(text: str, document_id: str, options: ReadOptions) -> list[Document]:
    """Read the text between header and colophon as one document, without markup and headings."""
    body, headings = strip_markup(body_of(text), keep_headings=False)
    (document,) = plain.read(body, document_id, options)
    return [replace(document, headings=document.headings + headings)]


def strip_markup(text: str, *, keep_headings: bool) -> tuple[str, int]:
    """Remove ruby and annotations, and replace the notation of characters with the characters.

    The replaced characters are those outside Shift_JIS and accented letters (〔Bru:cke〕).

    Args:
        text: Text without header and colophon.
        keep_headings: Whether to keep the text of headings.

    Returns:
        The text without markup, and the number of headings that were removed.
    """
    headings = 0
    if not keep_headings:
        text, blocks = _without_heading_blocks(text)
        text, lines = _without_heading_lines(text)
        headings = blocks + lines
    # ruby is removed first, since an annotation may stand for a 《 that belongs to the text
    text = _RUBY.sub("", text).replace("｜", "")
    text = _GAIJI.sub(lambda match: character_of(match[1]), text)
    text = _ACCENTED.sub(_compose_accents, text)
    text = _ANNOTATION_LINE.sub("", text)
    return _ANNOTATION.sub("", text), headings


def _without_heading_blocks(text: str) -> tuple[str, int]:
    """Remove headings that are enclosed by two annotations, and count them."""
    kept: list[str] = []
    end = 0
    begin: int | None = None
    for mark in _HEADING_MARK.finditer(text):
        if mark["begins"]:
            begin = mark.start() if begin is None else begin
        elif begin is not None:
            kept.append(text[end:begin])
            end, begin = mark.end(), None
    return "".join(kept) + text[end:], len(kept)


def _without_heading_lines(text: str) -> tuple[str, int]:
    """Remove the content of lines with a heading annotation, and count these lines."""
    kept: list[str] = []
    end = 0
    for annotation in _ANNOTATION_IN_LINE.finditer(text):
        if annotation.start() >= end and "見出し" in annotation[1]:
            begin = max(text.rfind(character, end, annotation.start()) for character in "\r\n") + 1
            kept.append(text[end : max(begin, end)])
            newline = _NEWLINE.search(text, annotation.end())
            end = newline.start() if newline else len(text)
    return "".join(kept) + text[end:], len(kept)


def body_of(text: str) -> str:
    """Return a text without its header (title and explanation of the markup) and its colophon.

    A text with neither an explanation nor a colophon is an excerpt and is returned unchanged.
    """
    colophons = list(_COLOPHON.finditer(text))
    if colophons:
        text = text[: colophons[-1].start()]
    if header := _HEADER.search(text):
        return text[header.end() :]
    if not colophons:
        return text
    # without an explanation, a few lines before the first blank line are the title
    head, *rest = BLANK_LINE.split(text, maxsplit=1)
    return rest[0] if rest and len(head.splitlines()) <= _MAX_TITLE_LINES else text


def _compose_accents(match: re.Match[str]) -> str:
    """Return Brücke for a match of 〔Bru:cke〕; other text in these brackets is unchanged."""
    composed = _ACCENT.sub(_accented_letter, match[1])
    return match[0] if composed == match[1] else composed


def _accented_letter(match: re.Match[str]) -> str:
    pair = match[0]
    return _OTHER_ACCENTS.get(pair) or unicodedata.normalize("NFC", pair[0] + _MARKS[pair[1]])


def character_of(annotation: str) -> str:
    """Return the character that an annotation describes; 〓 if it contains no valid code."""
    if match := _UNICODE_CODE.search(annotation):
        code = int(match[1], 16)
        is_character = code <= sys.maxunicode and unicodedata.category(chr(code)) != "Cs"
        return chr(code) if is_character else _GETA
    if match := _JIS_CODE.search(annotation):
        plane, row, cell = (int(number) for number in match.groups())
        if max(row, cell) > _MAX_CELL:
            return _GETA
        encoded = bytes([0x8F] if plane == 2 else []) + bytes([0xA0 + row, 0xA0 + cell])
        return encoded.decode("euc_jis_2004", errors="ignore") or _GETA
    return _GETA
