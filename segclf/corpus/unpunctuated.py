"""Text without punctuation, such as a transcript: where to cut it, and how models read it."""

import re
from itertools import pairwise

from segclf.corpus.joining import CJK
from segclf.corpus.lines import Span, ends_sentence, lines_of

_END = re.compile(r"[。．！？…]+|[.!?]+(?=[\s\"'”’»)\]]|$)")
_LONG = 400  # characters
_LONG_IN_TEXT_WITHOUT_ENDS = 150
_WORD = re.compile(r"\S+\s*")
_WORDS, _WORDS_TO_A_COMMA = 20, 12
_CJK = re.compile(CJK)
_CJK_PIECE = re.compile(r".{30,60}?[、，,\s]+|.{1,50}", re.DOTALL)
_SHORT = 0.3  # share of the previous piece
_MAX_ENDS = 0.1  # share of the sentences


def cut_unpunctuated(text: str, spans: list[Span]) -> tuple[list[Span], str | None]:
    """Cut the sentences of a text that has hardly any sentence-final punctuation.

    Such a text has more than half of its characters in stretches of more than 400 characters
    without sentence-final punctuation, or of more than 150 if it has no such punctuation at all. In
    a sample of 1,400 Japanese and 150 European books, this holds for one book only, which indeed
    has no punctuation. Sentences with such a stretch are cut at their line breaks. Lines that are
    still too long are cut into pieces of about 20 words, or 50 Chinese or Japanese characters, if
    possible after a comma.

    Args:
        text: Whole text.
        spans: Sentences as the start and the end of each.

    Returns:
        The sentences, and a notice for the user; None if the sentences are unchanged.
    """
    limit = _LONG if _END.search(text) else _LONG_IN_TEXT_WITHOUT_ENDS
    is_long = [_longest_stretch(text[start:end]) > limit for start, end in spans]
    lengths = [end - start for start, end in spans]
    if 2 * sum(n for n, long in zip(lengths, is_long, strict=True) if long) <= sum(lengths):
        return spans, None
    found: list[Span] = []
    in_lines = in_pieces = False
    for (start, end), long in zip(spans, is_long, strict=True):
        lines = [(start + a, start + b) for a, b in lines_of(text[start:end])] if long else []
        in_lines |= len(lines) > 1
        for line in lines or [(start, end)]:
            cut = long and line[1] - line[0] > limit
            in_pieces |= cut
            found += _pieces(text, *line) if cut else [line]
    each = "piece of about 20 words" if _words_have_spaces(text) else "piece of about 50 characters"
    units = [name for name, used in (("line", in_lines), (each, in_pieces)) if used]
    return found, (
        f"the text has hardly any punctuation: each {' or '.join(units)} is treated as a sentence"
    )


def with_ends(sentences: list[str], language: str) -> list[str]:
    """Return sentences as they would be written with punctuation, for a model that expects it.

    A model that was trained on punctuated text finds a boundary at nearly every sentence without
    sentence-final punctuation. If at most a tenth of the sentences have it, the others are returned
    with a capital letter and a full stop. Otherwise, all sentences are returned unchanged.
    """
    ends = [ends_sentence(sentence) for sentence in sentences]
    if sum(ends) > _MAX_ENDS * len(ends):
        return sentences
    stop = "。" if language in ("ja", "zh") else "."
    return [
        sentence if ends_already else sentence[:1].upper() + sentence[1:] + stop
        for sentence, ends_already in zip(sentences, ends, strict=True)
    ]


def _longest_stretch(sentence: str) -> int:
    return max(map(len, _END.split(sentence.strip())))


def _words_have_spaces(text: str) -> bool:
    return 2 * len(_CJK.findall(text)) < len("".join(text.split()))


def _pieces(text: str, start: int, end: int) -> list[Span]:
    line = text[start:end]
    ends = _word_ends(line) if _words_have_spaces(line) else _cjk_ends(line)
    edges = [0, *ends]
    if len(edges) > 2 and edges[-1] - edges[-2] < _SHORT * (edges[-2] - edges[-3]):
        del edges[-2]
    return [(start + a, start + b) for a, b in pairwise(edges)]


def _word_ends(line: str) -> list[int]:
    ends = []
    words = 0
    for word in _WORD.finditer(line):
        words += 1
        after_comma = word.group().rstrip()[-1] in ",;:"
        if words >= _WORDS or (words >= _WORDS_TO_A_COMMA and after_comma):
            ends.append(word.end())
            words = 0
    return ends if words == 0 else [*ends, len(line)]


def _cjk_ends(line: str) -> list[int]:
    return [piece.end() for piece in _CJK_PIECE.finditer(line)]
