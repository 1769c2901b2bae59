"""A unit of text -> spans of its sentences; a span -> what the encoder sees."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

import sentencex

from embedcache import UserError, normalize

Spans = Iterator[tuple[int, int]]

WINDOW = 8192
LOOKAHEAD = 2048
"""Characters that sentencex is given at once, and how many of them are only looked at."""

_KANA = re.compile("[ぁ-んァ-ヶ]")
_HAN = re.compile("[一-鿿]")
_HANGUL = re.compile("[가-힣]")
_CJK = "[\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uffef]"  # and its punctuation
_BREAK_IN_CJK = re.compile(rf"(?<={_CJK})[^\S\r\n]*[\r\n]\s*(?={_CJK})")
_WHITE_SPACE = re.compile(r"\s")
_NOT_KUTEN = re.compile("[^。]+")
_LINE = re.compile(r"[^\r\n]+")
_LANGUAGE_SAMPLE = 2000


@dataclass(frozen=True)
class SentenceRule:
    """How to cut a unit into sentences.

    Attributes:
        spans: unit and language code to (start, end) offsets into the unit, in order.
        clean: the text of a span to the sentence; what cleans to nothing is no sentence.
    """

    spans: Callable[[str, str], Spans]
    clean: Callable[[str], str]


def guess_language(text: str) -> str:
    """Guess a language code from the script: ja, ko, zh, else en."""
    sample = text[:_LANGUAGE_SAMPLE]
    if _KANA.search(sample):
        return "ja"
    if _HANGUL.search(sample):
        return "ko"
    return "zh" if _HAN.search(sample) else "en"


def sentence_rule(name: str) -> SentenceRule:
    """Return a rule by name.

    Raises:
        UserError: no such rule.
    """
    if name not in SENTENCE_RULES:
        raise UserError(f"no sentence rule {name!r}: choose from {', '.join(SENTENCE_RULES)}")
    return SENTENCE_RULES[name]


def _sentencex_spans(unit: str, language: str) -> Spans:
    # white space in front marks a paragraph: it would change where sentencex cuts
    content = len(unit) - len(unit.lstrip())
    start = 0
    for end in _sentencex_ends(unit, content, language):
        yield start, end
        start = end


def _sentencex_ends(text: str, start: int, language: str) -> Iterator[int]:
    """Yield where sentences end.

    sentencex takes quadratic time, so a text longer than `WINDOW` is cut in windows. Each begins
    where a sentence ends, and only ends with `LOOKAHEAD` characters behind them count: up to there
    a window is cut like the whole text, unless a quote or bracket is longer than that or never
    closed. A sentence without an end in its window goes on in the next.
    """
    while start < len(text):
        # plain spaces of the same length: sentencex 1.0 panics on some others
        window = _WHITE_SPACE.sub(" ", text[start : start + WINDOW])
        last = len(window) if start + len(window) == len(text) else WINDOW - LOOKAHEAD
        ends = accumulate(map(len, sentencex.segment(language, window)))  # they join to the window
        ends_known = [end for end in ends if end <= last]
        yield from (start + end for end in ends_known)
        start += ends_known[-1] if ends_known else last


def _sentencex_clean(piece: str) -> str:
    return normalize(_BREAK_IN_CJK.sub("", piece))


def _kuten_spans(unit: str, _language: str) -> Spans:
    return (match.span() for match in _NOT_KUTEN.finditer(unit))


def _kuten_clean(piece: str) -> str:
    kept = piece.replace(" ", "").replace("\r", "").replace("\n", "")
    return normalize(kept.replace("\u3000", "")) if len(kept) > 1 else ""


def _line_spans(unit: str, _language: str) -> Spans:
    return (match.span() for match in _LINE.finditer(unit))


SENTENCE_RULES = {
    "sentencex": SentenceRule(_sentencex_spans, _sentencex_clean),
    "kuten": SentenceRule(_kuten_spans, _kuten_clean),
    "line": SentenceRule(_line_spans, normalize),
}
"""`kuten` is the rule of the first experiments on Soseki: drop U+0020, cut at every 。 and lose it,
drop pieces of one character, drop U+3000. The mark counts as a character there, so that a piece of
one character is kept only where it begins a paragraph: the rule leaks that much of the label."""
