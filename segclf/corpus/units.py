"""Splitting a text by its layout into units: lines, or paragraphs of wrapped lines."""

import re
from typing import NamedTuple

from segclf.corpus.documents import Boundary

NEWLINE = r"(?:\r\n|\r(?!\n)|(?<!\r)\n)"
"""Regular expression for one line break: CRLF, CR or LF."""
BLANK_LINE = re.compile(rf"{NEWLINE}[^\S\r\n]*{NEWLINE}")
_LINE = re.compile(r"[^\r\n]+")
_INDENT = re.compile(r"\u3000|\t| {2,}")
_STOPS = "。．.!?！？…"
_CLOSERS = "」』）)\"'”’"
_SENTENCE_END = re.compile(f"[{_STOPS}]+[{_CLOSERS}]*")
_LAST_OF_SENTENCE = frozenset(_STOPS + _CLOSERS + ":：―—")
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
    r"(?:\s*[.,:—–-].{0,60}|\s.{0,60}[^.…\"'”’])?"  # the rest of the heading
)
_MARKDOWN_HEADING = re.compile(r"#{1,6}\s+\S")
_MAX_HEADING = 40  # characters


class Unit(NamedTuple):
    """A part of a text whose sentences are found independently of the other parts.

    Attributes:
        start: Offset of its first character in the text.
        end: Offset after its last character.
        label: 0 if the unit continues a paragraph; 1 if it begins a paragraph or, with typed
            boundaries, a line; 2 if it begins a paragraph with typed boundaries.
    """

    start: int
    end: int
    label: int


def guess_boundary(text: str) -> Boundary:
    """Guess what marks the beginning of a paragraph in a text.

    Returns:
        "indent" if at least a tenth of the lines are indented. Otherwise, "blank" if the text has
        blank lines and its lines are wrapped or mostly contain a single sentence. Otherwise,
        "line".
    """
    lines = _lines(text)
    if not lines:
        return "line"
    if sum(bool(_INDENT.match(text, start)) for start, _ in lines) >= 0.1 * len(lines):
        return "indent"
    if not BLANK_LINE.search(text.strip()):
        return "line"
    sentences = sum(max(len(_SENTENCE_END.findall(text, *line)), 1) for line in lines)
    return "blank" if is_wrapped(text) or sentences <= 1.2 * len(lines) else "line"


def is_wrapped(text: str) -> bool:
    """Return whether the lines are wrapped.

    That is, whether at least 30% of them do not end with sentence-final punctuation.
    """
    lines = _lines(text)
    return sum(_ends_sentence(text[start:end]) for start, end in lines) <= 0.7 * len(lines)


def split_units(
    text: str, boundary: Boundary, *, keep_headings: bool = False
) -> tuple[list[Unit], int]:
    """Split a text into units and remove its headings.

    Args:
        text: Text with newlines of any kind.
        boundary: What begins a paragraph: an indented line ("indent"), every line ("line"), or the
            line after a blank line ("blank"). With "typed", every line is a unit, and indented
            lines begin paragraphs.
        keep_headings: Whether to keep headings as ordinary units.

    Returns:
        The units that are not blank, and the number of headings that were removed.
    """
    pieces = _pieces(text, boundary)
    units, headings = [], 0
    for number, (start, end) in enumerate(pieces):
        before = pieces[number - 1][1] if number else None
        after = pieces[number + 1][0] if number + 1 < len(pieces) else None
        alone = boundary != "blank" and _stands_alone(text, start, end, before, after)
        if not keep_headings and _is_heading(text[start:end], alone=alone):
            headings += 1
        else:
            indented = bool(_INDENT.match(text, start))
            label = {"indent": int(indented), "typed": 1 + int(indented)}.get(boundary, 1)
            units.append(Unit(start, end, label))
    return units, headings


def _lines(text: str) -> list[tuple[int, int]]:
    """List the start and the end of each line that is not blank."""
    return [match.span() for match in _LINE.finditer(text) if not match.group().isspace()]


def _pieces(text: str, boundary: Boundary) -> list[tuple[int, int]]:
    """Join wrapped lines, except across a blank line, an indent or a heading."""
    lines = _lines(text)
    if boundary in ("line", "typed") or (boundary == "indent" and not is_wrapped(text)):
        return lines
    pieces: list[tuple[int, int]] = []
    below_heading = False
    for start, end in lines:
        separate = not pieces or bool(BLANK_LINE.search(text, pieces[-1][1], start))
        separate |= boundary == "indent" and bool(_INDENT.match(text, start))
        heading = _is_heading(text[start:end], alone=False)
        if separate or heading or below_heading:
            pieces.append((start, end))
        else:
            pieces[-1] = (pieces[-1][0], end)
        below_heading = heading
    return pieces


def _stands_alone(text: str, start: int, end: int, before: int | None, after: int | None) -> bool:
    above = before is None or bool(BLANK_LINE.search(text, before, start))
    below = after is None or bool(BLANK_LINE.search(text, end, after))
    return above and below and not (before is None and after is None)


def _is_heading(piece: str, *, alone: bool) -> bool:
    """Return whether a piece of a text is a heading. Pieces of several lines are not.

    A heading is a Markdown heading, a short line with a section number ("第三章", "Chapter 4"), or
    a short line between blank lines that does not end like a sentence.
    """
    if not _LINE.fullmatch(piece):
        return False
    if _MARKDOWN_HEADING.match(piece):
        return True
    if len(piece) > _MAX_HEADING:
        return False
    return bool(_NUMBERED.fullmatch(piece.strip())) or (alone and not _ends_sentence(piece))


def _ends_sentence(line: str) -> bool:
    return line.rstrip()[-1:] in _LAST_OF_SENTENCE
