"""Headings: lines that name a part of a text and belong to no paragraph."""

import re

from segclf.corpus.lines import BLANK_LINE, Span, ends_sentence, is_one_line

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

_NAMED = re.compile(
    r"第[〇一二三四五六七八九十百千\d０-９]+[章節回話部編巻篇幕]"
    r"|[〇一二三四五六七八九十百]{1,4}"
    rf"|(?i:chapter|chapitre|kapitel|cap[ií]tulo)\s+(?:\d+|{_ROMAN}|{_NUMBER_WORD})\.?"
)
"""Headings that cannot be confused with a sentence or an item of a list."""
_SEPARATOR = re.compile(r"(?:[*＊※◇◆□■○●☆★⁂]\s*)+|(?:[-–—―─━=＝_＿~〜～]\s*){3,}")
_NOT_AT_END = frozenset(",;，、；-‐–")  # of a heading
_DIALOGUE_OR_ITEM = re.compile(r"[「『（(\[【“‘\"'«»„‹›—–―\-•・*+¿¡]|\d+[.)]\s")
_END_INSIDE = re.compile(r"[。！？]|[a-z]{2}[.!?]\s")
_MAX_SHARE = 1 / 2  # maximum share of titles among the blocks between blank lines


def is_heading(piece: str, *, alone: bool) -> bool:
    """Return whether a piece of a text is a heading.

    A heading is a Markdown heading, a short line with a section number ("第三章", "Chapter 4"), or
    a short line between blank lines that does not end like a sentence. A piece of several lines is
    never a heading.

    Args:
        piece: One or more lines of the text.
        alone: Whether the piece is between blank lines.
    """
    if not is_one_line(piece):
        return False
    if _MARKDOWN_HEADING.match(piece):
        return True
    if len(piece) > _MAX_HEADING:
        return False
    return bool(_NUMBERED.fullmatch(piece.strip())) or (alone and not ends_sentence(piece))


def is_separator(line: str) -> bool:
    """Return whether a line separates scenes by symbols, such as "* * *"."""
    return _SEPARATOR.fullmatch(line.strip()) is not None


def find_headings(text: str, lines: list[Span]) -> list[bool]:
    """Find the headings of a text to segment, and the lines of symbols between its scenes.

    The rules are stricter than those of `is_heading`, which is used for corpora. A corpus can do
    without a line that is wrongly removed as a heading, but here such a line would end a paragraph.
    A heading is

    - a Markdown heading, a line of symbols, or a line with nothing but a chapter number, or
    - a short line between blank lines or other headings that has a section number or does not end
      like a sentence, and that is not dialogue, an item of a list or part of a longer sentence. If
      several such lines are more than half of the blocks between blank lines, they are captions or
      verse, not headings.

    Args:
        text: Whole text.
        lines: Start and end of each of the n lines that are not blank.

    Returns:
        n values, whether each line is a heading. If every line looks like a heading, all are False.
    """
    contents = [text[start:end].strip() for start, end in lines]
    certain = [is_certain_heading(content) for content in contents]
    begins = [_begins_block(text, lines, i) for i in range(len(lines))]
    found = list(certain)
    for i, line in enumerate(contents):
        above = begins[i] or found[i - 1]
        below = i + 1 == len(lines) or begins[i + 1] or certain[i + 1]
        if not found[i] and above and below and _is_title(line):
            before = "" if i == 0 or found[i - 1] else contents[i - 1]
            after = "" if i + 1 == len(lines) else contents[i + 1]
            found[i] = (not before or ends_sentence(before)) and not after[:1].islower()
    if sum(found) - sum(certain) > max(1, _MAX_SHARE * sum(begins)):
        found = certain
    return [False] * len(lines) if all(found) else found


def _begins_block(text: str, lines: list[Span], i: int) -> bool:
    return i == 0 or BLANK_LINE.search(text, lines[i - 1][1], lines[i][0]) is not None


def is_certain_heading(line: str) -> bool:
    """Return whether a line is a heading or a separator, regardless of the lines around it."""
    if _MARKDOWN_HEADING.match(line):
        return True
    return len(line) <= _MAX_HEADING and bool(_NAMED.fullmatch(line) or _SEPARATOR.fullmatch(line))


def _is_title(line: str) -> bool:
    if len(line) > _MAX_HEADING or not any(map(str.isalnum, line)):
        return False
    if _NUMBERED.fullmatch(line):
        return True
    if ends_sentence(line) or line[-1] in _NOT_AT_END or _END_INSIDE.search(line):
        return False
    return not (line[0].islower() or _DIALOGUE_OR_ITEM.match(line))
