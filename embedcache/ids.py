"""Normalized sentences and their 128-bit ids."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_digest

Ids = NDArray[np.uint64]
"""Sentence ids, (n, 2) uint64: the high and the low half of a 128-bit hash."""

_LONG_RUN = 256  # combining marks; runs of this length or more are sorted before normalization
_CODE_POINTS = 0x20000  # from this code point on, no character is a combining mark
_STEP = 1 << 20  # number of characters that are processed at a time, to limit memory
_SPACE = re.compile(r"\s")
_SURROGATE = re.compile("[\ud800-\udfff]")


def normalize(sentence: str) -> str:
    """Return the normalized form of a sentence, which is what encoders read.

    The result is in Unicode NFC. Each run of whitespace becomes one space, and whitespace at both
    ends is removed, including the ideographic space (U+3000) that begins a paragraph. An unpaired
    surrogate, which UTF-8 cannot represent, becomes U+FFFD.
    """
    sentence = replace_surrogates(sentence)
    if len(sentence) < _LONG_RUN:
        return " ".join(unicodedata.normalize("NFC", sentence).split())
    if _count_marks(sentence) >= _LONG_RUN:
        sentence = _long_run_pattern().sub(_in_canonical_order, sentence)
    return " ".join(_spaced_parts(unicodedata.normalize("NFC", sentence)))


def replace_surrogates(text: str) -> str:
    """Replace each unpaired surrogate with U+FFFD; the length does not change."""
    # surrogates are not printable, and this test takes a fifth of the time of a search
    return text if text.isprintable() else _SURROGATE.sub("\ufffd", text)


def _spaced_parts(text: str) -> Iterator[str]:
    """Yield parts of about a million characters, with a single space between two words."""
    start = 0
    while start < len(text):
        space = _SPACE.search(text, start + _STEP)
        end = space.start() if space else len(text)
        if part := " ".join(text[start:end].split()):
            yield part
        start = end


def _count_marks(text: str) -> int:
    """Count the combining marks in a text with NumPy, which is faster than a regular expression."""
    is_mark = _is_mark()
    count = 0
    for start in range(0, len(text), _STEP):
        encoded = text[start : start + _STEP].encode("utf-32-le")
        codes = np.frombuffer(encoded, dtype="<u4")
        count += int(np.count_nonzero(is_mark[np.minimum(codes, _CODE_POINTS)]))
    return count


@cache
def _is_mark() -> NDArray[np.bool_]:
    """Return which characters decompose into combining marks: (0x20001,) bool by code point."""
    is_mark = np.zeros(_CODE_POINTS + 1, dtype=np.bool_)
    for code in range(0x300, _CODE_POINTS):
        is_mark[code] = unicodedata.combining(unicodedata.normalize("NFD", chr(code))[0])
    return is_mark


@cache
def _long_run_pattern() -> re.Pattern[str]:
    marks = "".join(map(chr, np.flatnonzero(_is_mark())))
    return re.compile(f"[{marks}]{{{_LONG_RUN},}}")


def _in_canonical_order(run: re.Match[str]) -> str:
    """Decompose and sort a run of marks, because `unicodedata` sorts in quadratic time."""
    decomposed = "".join(unicodedata.normalize("NFD", mark) for mark in run.group())
    return "".join(sorted(decomposed, key=unicodedata.combining))


def sentence_ids(sentences: Iterable[str]) -> Ids:
    """Hash normalized sentences.

    Args:
        sentences: n texts, which are usually normalized. They may contain unpaired surrogates.

    Returns:
        (n, 2) uint64, the high and the low half of the 128-bit XXH3 hash of each sentence's UTF-8
        bytes. The ids are the same on every machine.
    """
    texts = list(sentences)
    try:
        digests = b"".join([xxh3_128_digest(text.encode()) for text in texts])
    except UnicodeEncodeError:  # unpaired surrogates; for other texts, this would be slower
        encoded = (text.encode(errors="surrogatepass") for text in texts)
        digests = b"".join(map(xxh3_128_digest, encoded))
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64).reshape(-1, 2)
