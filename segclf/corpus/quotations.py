"""Ends of sentences at quotation marks, in European languages.

sentencex ends a sentence before its closing quotation mark. It does not end a sentence inside a
passage in quotation marks or after a colon. In a text without line breaks, paragraphs of dialogue
begin in such places.
"""

import re
from collections.abc import Callable, Iterable, Iterator

Spans = Iterable[tuple[int, int]]

_LONG = 400  # characters; lines of dialogue are shorter
_QUOTE = re.compile('[「」『』«»„“”"]')
_CLOSING = re.compile(r"""(?<=\S)[»«“”"’')\]]+(?=\s|$)""")
_SPACED_CLOSING = re.compile(r"\s*»(?=\s|$)")  # in French, where a space precedes it
_SPACED_OPENING = re.compile(r"(?<=\s)«\s*\Z")
_GUILLEMET = re.compile("[«»]")
_CUT = re.compile(
    r"""
    (?: (?: [.!?…][«“”"’'] | [.!?…]\s?» ) (?P<end>\s+) (?= [«»„“”"‘'—–]?\s?[A-ZÀ-ÖØ-Þ«»„“‘"¿¡—–] )
      | :(?P<colon>\s+) (?= [«»„“"—–-]\s?[A-ZÀ-ÖØ-Þ¿¡] ) )
    """,
    re.VERBOSE,
)


def cut_long_quotations(
    text: str, spans: Spans, split: Callable[[str], Spans]
) -> Iterator[tuple[int, int]]:
    """Split long sentences, most of which contain a quotation of many sentences.

    Args:
        text: The whole text.
        spans: (start, end) offsets of sentences, in order.
        split: Function that returns the offsets of the sentences of a text. It is called with
            sentences whose quotation marks are replaced with spaces.

    Yields:
        The offsets of the sentences.
    """
    for start, end in spans:
        if end - start <= _LONG:
            yield start, end
            continue
        for first, last in split(_QUOTE.sub(" ", text[start:end])):
            yield start + first, start + last


def keep_closing_quotes(text: str, spans: Spans) -> Iterator[tuple[int, int]]:
    """Move quotation marks between adjacent sentences.

    Closing quotation marks and brackets at the beginning of a sentence are moved to the end of the
    previous one, and a spaced « at the end of a sentence to the beginning of the next. A » after a
    space may also begin a paragraph of a long quotation, as in old French books. It is moved only
    if a « before it is not closed.

    Args:
        text: The whole text.
        spans: (start, end) offsets of sentences, in order.

    Yields:
        The offsets of the sentences.
    """
    is_open = False
    previous: tuple[int, int] | None = None
    for start, end in spans:
        if previous and previous[1] == start:
            opening = _SPACED_OPENING.search(text, *previous)
            if opening and text[previous[0] : opening.start()].strip():
                previous, start = (previous[0], opening.start()), opening.start()
            closing = _CLOSING.match(text, start, end)
            if closing is None and is_open:
                closing = _SPACED_CLOSING.match(text, start, end)
            if closing:
                is_open = is_open and "»" not in closing[0]
                previous, start = (previous[0], closing.end()), closing.end()
        marks = _GUILLEMET.findall(text, start, end)
        is_open = marks[-1] == "«" if marks else is_open
        if text[start:end].strip():
            if previous:
                yield previous
            previous = (start, end)
    if previous:
        yield previous


def cut_at_quotations(text: str, spans: Spans) -> Iterator[tuple[int, int]]:
    """Split sentences after a quotation that ends a sentence, and before a quotation after a colon.

    Args:
        text: The whole text.
        spans: (start, end) offsets of sentences, in order.

    Yields:
        The offsets of the parts. Whitespace is at the beginning of a part.
    """
    for start, end in spans:
        for cut in _CUT.finditer(text, start, end):
            if cut.end() < end:
                position = cut.start(cut.lastgroup or 0)
                yield start, position
                start = position
        yield start, end
