"""Layout -> units of text that no sentence crosses, and which of them begin a paragraph."""

import re
from typing import NamedTuple

from segclf.corpus.documents import Boundary

_LINE = re.compile(r"[^\r\n]+")
_NEWLINE = r"(?:\r\n|\r(?!\n)|(?<!\r)\n)"
BLANK_LINE = re.compile(rf"{_NEWLINE}[^\S\r\n]*{_NEWLINE}")
_INDENT = re.compile(r"\u3000|\t| {2,}")
_SENTENCE_END = re.compile(r"[。．.!?！？…]+[」』）)\"'”’]*")
_LAST_OF_SENTENCE = frozenset("。．.!?！？…」』）)\"'”’:：―—")
_CAPITAL_ROMAN = r"(?=[IVXLC])C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b"
_ROMAN = f"(?:{_CAPITAL_ROMAN}|{_CAPITAL_ROMAN.lower()})"
_UNIT = "one|two|three|four|five|six|seven|eight|nine"
_NUMBER_WORD = (
    f"(?i:(?:the )?(?:(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:[- ](?:{_UNIT}))?"
    f"|(?:thir|four|fif|six|seven|eigh|nine)teen(?:th)?|{_UNIT}|ten|eleven|twelve|first|second|third"
    r"|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|last)\b)"
)
_NUMBERED = re.compile(
    r"第?[〇一二三四五六七八九十百千\d０-９]+[章節回話部編巻篇幕]?|[序終跋]章?|\d+\.?"
    rf"|{_ROMAN}\.?"
    rf"|(?i:chapter|part|book|act|scene|section)\s+(?:\d[\d.]*[a-z]?|{_ROMAN}|{_NUMBER_WORD}|[A-Z])"
    r"(?:\s*[.,:—–-].{0,60}|\s.{0,60}[^.…\"'”’])?"  # a title behind it
)
_MARKDOWN_HEADING = re.compile(r"#{1,6}\s+\S")
_LONGEST_HEADING = 40


class Unit(NamedTuple):
    """A stretch of text that sentence splitting takes alone.

    Attributes:
        start: offset of its first character.
        end: offset behind its last.
        begins_paragraph: whether the layout begins a paragraph here.
    """

    start: int
    end: int
    begins_paragraph: bool


def guess_boundary(text: str) -> Boundary:
    """Say what marks a new paragraph in a text.

    "indent" if a tenth of the lines or more are indented. Else "blank" if blank lines part it and
    its lines are no paragraphs of their own: they break within sentences, or hold one sentence
    each. Else "line".
    """
    lines = [match.group() for match in _LINE.finditer(text) if match.group().strip()]
    if not lines:
        return "line"
    if sum(bool(_INDENT.match(line)) for line in lines) >= 0.1 * len(lines):
        return "indent"
    if not BLANK_LINE.search(text.strip()):
        return "line"
    sentences = sum(max(len(_SENTENCE_END.findall(line)), 1) for line in lines)
    return "blank" if is_wrapped(text) or sentences <= 1.2 * len(lines) else "line"


def is_wrapped(text: str) -> bool:
    """Say whether lines break within sentences: whether 3 in 10 or more end without a full stop."""
    lines = [match.group() for match in _LINE.finditer(text) if match.group().strip()]
    return sum(_ends_sentence(line) for line in lines) <= 0.7 * len(lines)


def units_of(
    text: str, boundary: Boundary, *, keep_headings: bool = False
) -> tuple[list[Unit], int]:
    """Cut a text into units and drop its section titles.

    Args:
        text: with any newlines.
        boundary: what begins a paragraph: an indented line, every line, or a line behind a blank
            one.
        keep_headings: take section titles for units like any other.

    Returns:
        The units, blank ones left out, and the count of titles that were dropped.
    """
    pieces = _pieces(text, boundary)
    units, headings = [], 0
    for number, (start, end) in enumerate(pieces):
        before = pieces[number - 1][1] if number else None
        after = pieces[number + 1][0] if number + 1 < len(pieces) else None
        may_be = not keep_headings and (end - start <= _LONGEST_HEADING or text[start] == "#")
        alone = may_be and boundary != "blank" and _stands_alone(text, start, end, before, after)
        if may_be and _is_heading(text[start:end], alone=alone):
            headings += 1
        else:
            begins = boundary != "indent" or bool(_INDENT.match(text, start))
            units.append(Unit(start, end, begins))
    return units, headings


def _lines(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _LINE.finditer(text) if not match.group().isspace()]


def _pieces(text: str, boundary: Boundary) -> list[tuple[int, int]]:
    """Join lines that break within sentences: none that a blank line, indent or title parts."""
    lines = _lines(text)
    if boundary == "line" or (boundary == "indent" and not is_wrapped(text)):
        return lines
    pieces: list[tuple[int, int]] = []
    below_title = False
    for start, end in lines:
        parted = not pieces or bool(BLANK_LINE.search(text, pieces[-1][1], start))
        parted |= boundary == "indent" and bool(_INDENT.match(text, start))
        title = end - start <= _LONGEST_HEADING and _is_heading(text[start:end], alone=False)
        if parted or title or below_title:
            pieces.append((start, end))
        else:
            pieces[-1] = (pieces[-1][0], end)
        below_title = title
    return pieces


def _stands_alone(text: str, start: int, end: int, before: int | None, after: int | None) -> bool:
    above = before is None or bool(BLANK_LINE.search(text, before, start))
    below = after is None or bool(BLANK_LINE.search(text, end, after))
    return above and below and not (before is None and after is None)


def _is_heading(line: str, *, alone: bool) -> bool:
    """Say whether a line is a section title.

    That is a Markdown heading; a short line that is nothing but a number ("第三章", "Chapter 4");
    or a short line between blank lines that does not end like a sentence.
    """
    if _MARKDOWN_HEADING.match(line):
        return "\n" not in line
    stripped = line.strip()
    if "\n" in stripped:
        return False
    if _NUMBERED.fullmatch(stripped):
        return True
    return alone and not _ends_sentence(stripped)


def _ends_sentence(line: str) -> bool:
    return line.rstrip()[-1:] in _LAST_OF_SENTENCE
