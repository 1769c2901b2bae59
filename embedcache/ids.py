"""Sentence text -> 16-byte sentence id."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_digest

Ids = NDArray[np.uint64]
"""Sentence ids, (n, 2) uint64: the high and the low half of a 128-bit hash."""


_LONG = 256
_PLANES_OF_MARKS = range(0x300, 0x20000)


def normalize(sentence: str) -> str:
    """Return the sentence as every encoder sees it: Unicode NFC, each run of white space one space.

    White space at the ends goes, the ideographic space (U+3000) that marks a paragraph with it.
    """
    if len(sentence) > _LONG:
        sentence = _runs_of_marks().sub(_in_canonical_order, sentence)
    return " ".join(unicodedata.normalize("NFC", sentence).split())


@cache
def _runs_of_marks() -> re.Pattern[str]:
    """Return a pattern of long runs of characters that decompose into combining marks."""
    decompositions = ((code, unicodedata.normalize("NFD", chr(code))) for code in _PLANES_OF_MARKS)
    marks = [chr(code) for code, marks in decompositions if unicodedata.combining(marks[0])]
    return re.compile(f"[{''.join(marks)}]{{{_LONG},}}")


def _in_canonical_order(run: re.Match[str]) -> str:
    """Decompose a run of marks and sort it, for `unicodedata` sorts in quadratic time."""
    decomposed = "".join(unicodedata.normalize("NFD", mark) for mark in run.group())
    return "".join(sorted(decomposed, key=unicodedata.combining))


def sentence_ids(sentences: Iterable[str]) -> Ids:
    """Hash sentences that are already normalised.

    Args:
        sentences: n normalised sentences.

    Returns:
        (n, 2) uint64, XXH3 128 of the UTF-8 bytes. Equal sentences have equal ids on every machine.
    """
    digests = b"".join([xxh3_128_digest(sentence.encode()) for sentence in sentences])
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64).reshape(-1, 2)
