"""Sentence text -> 16-byte sentence id."""

import unicodedata
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_digest

Ids = NDArray[np.uint64]
"""Sentence ids, (n, 2) uint64: the high and the low half of a 128-bit hash."""


def normalize(sentence: str) -> str:
    """Return the sentence as every encoder sees it: Unicode NFC, each run of white space one space.

    White space at the ends goes, the ideographic space (U+3000) that marks a paragraph with it.
    """
    return " ".join(unicodedata.normalize("NFC", sentence).split())


def sentence_ids(sentences: Iterable[str]) -> Ids:
    """Hash sentences that are already normalised.

    Args:
        sentences: n normalised sentences.

    Returns:
        (n, 2) uint64, XXH3 128 of the UTF-8 bytes. Equal sentences have equal ids on every machine.
    """
    digests = b"".join([xxh3_128_digest(sentence.encode()) for sentence in sentences])
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64).reshape(-1, 2)
