"""Sentence text -> 16-byte sentence id."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_digest

Ids = NDArray[np.uint64]
"""Sentence ids, (n, 2) uint64: the high and the low half of a 128-bit hash."""


_LONG_RUN = 256
_CODE_POINTS = 0x20000  # those above hold no combining marks
_STEP = 1 << 20  # characters at a time; bounds memory
_SPACE = re.compile(r"\s")


def normalize(sentence: str) -> str:
    """Return the sentence as every encoder sees it: Unicode NFC, each run of white space one space.

    White space at the ends goes, the ideographic space (U+3000) that marks a paragraph with it.
    """
    if len(sentence) < _LONG_RUN:
        return " ".join(unicodedata.normalize("NFC", sentence).split())
    if _count_marks(sentence) >= _LONG_RUN:
        sentence = _long_runs().sub(_in_canonical_order, sentence)
    return " ".join(_words(unicodedata.normalize("NFC", sentence)))


def _words(text: str) -> Iterator[str]:
    """Yield words, joined into stretches of about a million characters to save memory."""
    start = 0
    while start < len(text):
        space = _SPACE.search(text, start + _STEP)
        end = space.start() if space else len(text)
        if stretch := " ".join(text[start:end].split()):
            yield stretch
        start = end


def _count_marks(text: str) -> int:
    """Count the combining marks of a text, much faster than a regular expression finds them."""
    is_mark = _is_mark()
    count = 0
    for start in range(0, len(text), _STEP):
        encoded = text[start : start + _STEP].encode("utf-32-le", "surrogatepass")
        codes = np.frombuffer(encoded, dtype="<u4")
        count += int(np.count_nonzero(is_mark[np.minimum(codes, _CODE_POINTS)]))
    return count


@cache
def _is_mark() -> NDArray[np.bool_]:
    """Say which characters decompose into combining marks: (0x20001,) bool, the last for others."""
    is_mark = np.zeros(_CODE_POINTS + 1, dtype=np.bool_)
    for code in range(0x300, _CODE_POINTS):
        is_mark[code] = unicodedata.combining(unicodedata.normalize("NFD", chr(code))[0])
    return is_mark


@cache
def _long_runs() -> re.Pattern[str]:
    marks = "".join(map(chr, np.flatnonzero(_is_mark())))
    return re.compile(f"[{marks}]{{{_LONG_RUN},}}")


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
