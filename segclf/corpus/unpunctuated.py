"""Splits text without punctuation, such as a transcript, and adds punctuation for models."""

import re
from itertools import pairwise

from segclf.corpus.joining import CJK
from segclf.corpus.lines import Span, ends_sentence, lines_of

_SENTENCE_END = re.compile(r"[。．！？…]+|[.!?]+(?=[\s\"'”’»)\]]|$)")
_MAX_STRETCH = 400  # characters without sentence-final punctuation
_MAX_STRETCH_WITHOUT_ENDS = 150  # the same if the text has no sentence-final punctuation
_COMMAS = ",;:、，"
_WORD = re.compile(r"\S+\s*")
_MAX_WORDS, _MIN_WORDS_TO_COMMA = 20, 12  # in a piece, and in a piece that ends after a comma
_CJK = re.compile(CJK)
_CJK_PIECE = re.compile(r".{30,60}?[、，,\s]+|.{1,50}", re.DOTALL)
_MIN_LAST_PIECE = 0.3  # share of the previous piece; a shorter last piece is merged with it
_MAX_PUNCTUATED = 0.1  # share of the sentences


def cut_unpunctuated(text: str, spans: list[Span]) -> tuple[list[Span], str | None]:
    """Split the sentences of a text that has hardly any sentence-final punctuation.

    Such a text has more than half of its characters in sentences that contain a stretch of more
    than 400 characters without sentence-final punctuation, or of more than 150 if the text has no
    such punctuation at all. In a sample of 1,400 Japanese and 150 European books, this holds for
    one book only, which indeed has no punctuation. Sentences with such a stretch are split at their
    line breaks. Lines that are still too long are split into pieces of about 20 words, or 50
    Chinese or Japanese characters, if possible after a comma.

    Args:
        text: Whole text.
        spans: Start and end of each sentence in the text.

    Returns:
        Start and end of each sentence, and a notice for the user. The notice is None if the
        sentences are unchanged.
    """
    limit = _MAX_STRETCH if _SENTENCE_END.search(text) else _MAX_STRETCH_WITHOUT_ENDS
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


def add_punctuation(sentences: list[str], language: str) -> list[str]:
    """Add capital letters and full stops to sentences, for models that expect punctuation.

    A model that was trained on punctuated text predicts a boundary before nearly every sentence
    that has no sentence-final punctuation. If at most a tenth of the sentences have sentence-final
    punctuation, the others are returned with a capital letter and a full stop, which replaces a
    comma or semicolon at the end. Otherwise, all sentences are returned unchanged.

    Args:
        sentences: Consecutive sentences of a text.
        language: Code of the language, which determines the full stop.
    """
    is_punctuated = [ends_sentence(sentence) for sentence in sentences]
    if sum(is_punctuated) > _MAX_PUNCTUATED * len(sentences):
        return sentences
    stop = "。" if language in ("ja", "zh") else "."
    return [
        sentence if punctuated else sentence[:1].upper() + sentence[1:].rstrip(_COMMAS) + stop
        for sentence, punctuated in zip(sentences, is_punctuated, strict=True)
    ]


def _longest_stretch(sentence: str) -> int:
    return max(map(len, _SENTENCE_END.split(sentence.strip())))


def _words_have_spaces(text: str) -> bool:
    return 2 * len(_CJK.findall(text)) < len("".join(text.split()))


def _pieces(text: str, start: int, end: int) -> list[Span]:
    line = text[start:end]
    ends = _word_ends(line) if _words_have_spaces(line) else _cjk_ends(line)
    edges = [0, *ends]
    if len(edges) > 2 and edges[-1] - edges[-2] < _MIN_LAST_PIECE * (edges[-2] - edges[-3]):
        del edges[-2]
    return [(start + a, start + b) for a, b in pairwise(edges)]


def _word_ends(line: str) -> list[int]:
    ends = []
    words = 0
    for word in _WORD.finditer(line):
        words += 1
        after_comma = word.group().rstrip()[-1] in ",;:"
        if words >= _MAX_WORDS or (words >= _MIN_WORDS_TO_COMMA and after_comma):
            ends.append(word.end())
            words = 0
    return ends if words == 0 else [*ends, len(line)]


def _cjk_ends(line: str) -> list[int]:
    return [piece.end() for piece in _CJK_PIECE.finditer(line)]
