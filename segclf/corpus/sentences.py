"""Sentence splitting: rules that split a text into sentences and clean them."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import sentencex

from embedcache import UserError, normalize
from embedcache.ids import replace_surrogates
from segclf.corpus.joining import CJK

Spans = Iterator[tuple[int, int]]

WINDOW = 8192
"""Maximum number of characters that are passed to sentencex at once."""
LOOKAHEAD = 2048
"""Number of characters at the end of a window that are only context."""

_BREAK_IN_CJK = re.compile(rf"(?<={CJK})[^\S\r\n]*[\r\n]\s*(?={CJK})")
_LEADING_QUOTATION = re.compile(  # not followed by a particle or punctuation
    r"\s*(?:「[^「」]*」|『[^『』]*』)(?=\s*[^\sぁ-ん、。，．」』）)…―—！？!?])"
)
_WHITE_SPACE = re.compile(r"\s")
_NOT_KUTEN = re.compile("[^。]+")
_LINE = re.compile(r"[^\r\n]+")


@dataclass(frozen=True)
class SentenceRule:
    """A rule that splits a text into sentences and cleans them.

    Attributes:
        spans: Function that yields the (start, end) offsets of the sentences in order, given the
            text and a language code.
        clean: Function that turns the text of a span into a sentence. Spans with an empty result
            are dropped.
    """

    spans: Callable[[str, str], Spans]
    clean: Callable[[str], str]


class Sentence(NamedTuple):
    """A sentence and its position in a text.

    Attributes:
        text: The cleaned sentence, as the encoder reads it.
        start: Offset of its first character in the text, or of the whitespace before it.
        end: Offset after its last character.
    """

    text: str
    start: int
    end: int


def split_sentences(text: str, rule: SentenceRule, language: str) -> list[str]:
    """Split the text of a unit into cleaned sentences."""
    clean = rule.clean
    spans = rule.spans(text, language)
    return [sentence for start, end in spans if (sentence := clean(text[start:end]))]


def cut_after_dialogue(text: str, spans: Iterable[tuple[int, int]]) -> Spans:
    """Split Japanese sentences after the quotations that they begin with.

    In novels, a line of dialogue ends with 」 and no full stop. In a text without line breaks,
    sentence rules therefore join the line to the next sentence. A quotation that is followed by a
    particle or punctuation is part of the sentence, which is not split there.

    Args:
        text: The whole text.
        spans: (start, end) offsets of sentences, in order.

    Yields:
        The offsets of the parts, or of the sentence itself if it is not split.
    """
    for start, end in spans:
        while quotation := _LEADING_QUOTATION.match(text, start, end):
            if quotation.end() == end:
                break
            yield start, quotation.end()
            start = quotation.end()
        yield start, end


def sentence_rule(name: str) -> SentenceRule:
    """Return a rule by its name in `SENTENCE_RULES`.

    Raises:
        UserError: There is no such rule.
    """
    if name not in SENTENCE_RULES:
        raise UserError(f"unknown sentence rule {name!r}: choose from {', '.join(SENTENCE_RULES)}")
    return SENTENCE_RULES[name]


def _sentencex_spans(text: str, language: str) -> Spans:
    # leading whitespace marks a paragraph and would change where sentencex cuts
    content = len(text) - len(text.lstrip())
    start = 0
    for end in _sentencex_ends(text, content, language):
        yield start, end
        start = end


def _sentencex_ends(text: str, start: int, language: str) -> Iterator[int]:
    """Yield the ends of the sentences after `start`.

    The run time of sentencex is quadratic, so long texts are split into overlapping windows. A
    window begins where a sentence ends. Ends in its last `LOOKAHEAD` characters are ignored. The
    other ends are the same as those in the whole text, with three exceptions: a quote or bracket
    that is not closed or is longer than the lookahead; a list such as "a) One. b) Two." that begins
    before the window; and an abbreviation that follows a sentence without a space, as in "。Dr.",
    which sentencex recognizes only at the beginning of a window. A sentence that does not end in
    its window continues in the next.
    """
    while start < len(text):
        # replaced one for one, as sentencex 1.0 panics on some whitespace other than a space, and
        # on unpaired surrogates
        window = replace_surrogates(_WHITE_SPACE.sub(" ", text[start : start + WINDOW]))
        last = len(window) if start + len(window) == len(text) else WINDOW - LOOKAHEAD
        # the segments that sentencex returns add up to the window
        ends = accumulate(map(len, sentencex.segment(language, window)))
        ends_known = [end for end in ends if end <= last]
        yield from (start + end for end in ends_known)
        start += ends_known[-1] if ends_known else last


def _sentencex_clean(piece: str) -> str:
    return normalize(_BREAK_IN_CJK.sub("", piece))


def _kuten_spans(text: str, _language: str) -> Spans:
    return (match.span() for match in _NOT_KUTEN.finditer(text))


def _kuten_clean(piece: str) -> str:
    kept = piece.replace(" ", "").replace("\r", "").replace("\n", "")
    return normalize(kept.replace("\u3000", "")) if len(kept) > 1 else ""


def _line_spans(text: str, _language: str) -> Spans:
    return (match.span() for match in _LINE.finditer(text))


SENTENCE_RULES = {
    "sentencex": SentenceRule(_sentencex_spans, _sentencex_clean),
    "kuten": SentenceRule(_kuten_spans, _kuten_clean),
    "line": SentenceRule(_line_spans, normalize),
}
"""Sentence rules by name.

`kuten` is the rule of the first experiments on Soseki. It splits the text at every 。, removes 。,
line breaks and U+0020, drops pieces of one character, and finally removes U+3000. The indent U+3000
counts as a character when short pieces are dropped, so a piece of one character is kept only if it
begins a paragraph. To this extent, the rule leaks the labels."""
