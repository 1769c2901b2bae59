"""Splitting a text by its layout into units: lines, or paragraphs of wrapped lines."""

import re
from typing import NamedTuple

from segclf.corpus.documents import Boundary
from segclf.corpus.headings import is_heading
from segclf.corpus.lines import BLANK_LINE, CLOSERS, INDENT, STOPS, Span, are_wrapped, lines_of

_SENTENCE_END = re.compile(f"[{STOPS}]+[{CLOSERS}]*")


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
    lines = lines_of(text)
    if not lines:
        return "line"
    if sum(bool(INDENT.match(text, start)) for start, _ in lines) >= 0.1 * len(lines):
        return "indent"
    if not BLANK_LINE.search(text.strip()):
        return "line"
    sentences = sum(max(len(_SENTENCE_END.findall(text, *line)), 1) for line in lines)
    return "blank" if is_wrapped(text) or sentences <= 1.2 * len(lines) else "line"


def is_wrapped(text: str) -> bool:
    """Return whether the lines of a text are wrapped; see `are_wrapped`."""
    return are_wrapped(text, lines_of(text))


def split_units(text: str, boundary: Boundary) -> tuple[list[Unit], int]:
    """Split a text into units and remove its headings.

    Args:
        text: Text with newlines of any kind.
        boundary: What begins a paragraph: an indented line ("indent"), every line ("line"), or the
            line after a blank line ("blank"). With "typed", every line is a unit, and indented
            lines begin paragraphs.

    Returns:
        The units that are not blank, and the number of headings that were removed.
    """
    pieces = _pieces(text, boundary)
    units, headings = [], 0
    for number, (start, end) in enumerate(pieces):
        before = pieces[number - 1][1] if number else None
        after = pieces[number + 1][0] if number + 1 < len(pieces) else None
        alone = boundary != "blank" and _stands_alone(text, start, end, before, after)
        if is_heading(text[start:end], alone=alone):
            headings += 1
        else:
            indented = bool(INDENT.match(text, start))
            label = {"indent": int(indented), "typed": 1 + int(indented)}.get(boundary, 1)
            units.append(Unit(start, end, label))
    return units, headings


def _pieces(text: str, boundary: Boundary) -> list[Span]:
    """Split a text into lines, or into wrapped lines that are joined.

    Lines are joined if the boundary is "blank", or if it is "indent" and the lines are wrapped, but
    not across a blank line, an indent (with "indent") or a heading.
    """
    lines = lines_of(text)
    if boundary in ("line", "typed") or (boundary == "indent" and not are_wrapped(text, lines)):
        return lines
    pieces: list[Span] = []
    below_heading = False
    for start, end in lines:
        separate = not pieces or bool(BLANK_LINE.search(text, pieces[-1][1], start))
        separate |= boundary == "indent" and bool(INDENT.match(text, start))
        heading = is_heading(text[start:end], alone=False)
        if separate or heading or below_heading:
            pieces.append((start, end))
        else:
            pieces[-1] = (pieces[-1][0], end)
        below_heading = heading
    return pieces


def _stands_alone(text: str, start: int, end: int, before: int | None, after: int | None) -> bool:
    """Return whether a piece is between blank lines, and not the only piece of a text.

    Args:
        text: Whole text.
        start: Start of the piece.
        end: End of the piece.
        before: End of the previous piece; None if there is none.
        after: Start of the next piece; None if there is none.
    """
    above = before is None or bool(BLANK_LINE.search(text, before, start))
    below = after is None or bool(BLANK_LINE.search(text, end, after))
    return above and below and not (before is None and after is None)
