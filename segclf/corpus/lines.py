"""Lines of a text: line breaks, blank lines, indents and the ends of lines."""

import re

NEWLINE = r"(?:\r\n|\r(?!\n)|(?<!\r)\n)"
"""Regular expression for one line break: CRLF, CR or LF."""
BLANK_LINE = re.compile(rf"{NEWLINE}[^\S\r\n]*{NEWLINE}")
INDENT = re.compile(r"\u3000|\t| {2,}")
"""Whitespace at the beginning of a line that counts as an indent."""
STOPS = "。．.!?！？…"
CLOSERS = "」』）)\"'”’"
_LINE = re.compile(r"[^\r\n]+")
_LAST_OF_SENTENCE = frozenset(STOPS + CLOSERS + ":：―—")

Span = tuple[int, int]
"""Start and end of a part of a text, such as a line without its line break."""


def lines_of(text: str) -> list[Span]:
    """List the start and the end of each line that is not blank."""
    return [match.span() for match in _LINE.finditer(text) if not match.group().isspace()]


def is_one_line(piece: str) -> bool:
    """Return whether a piece of a text is not empty and has no line break."""
    return _LINE.fullmatch(piece) is not None


def ends_sentence(line: str) -> bool:
    """Return whether a line ends like a sentence.

    Its last character is then sentence-final punctuation, a closing quotation mark or bracket, a
    colon or a dash.
    """
    return line.rstrip()[-1:] in _LAST_OF_SENTENCE


def are_wrapped(text: str, lines: list[Span]) -> bool:
    """Return whether lines of a text are wrapped.

    Lines are considered wrapped if at least 30% do not end like a sentence; see `ends_sentence`.
    """
    return sum(ends_sentence(text[start:end]) for start, end in lines) <= 0.7 * len(lines)
