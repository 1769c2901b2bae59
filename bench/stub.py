"""An encoder that takes no time, for benchmarks of the caches alone."""

import hashlib

import numpy as np
from numpy.typing import NDArray

DIM = 384


class StubEncoder:
    """Returns rows of a fixed random table instead of running a model."""

    name = "stub"
    dim = DIM
    fingerprint = hashlib.sha256(b"stub").hexdigest()[:32]

    def __init__(self) -> None:
        self._table = np.random.default_rng(0).standard_normal((4096, DIM), dtype=np.float32)
        self._next = 0

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Return (n, DIM) float32."""
        rows = (np.arange(len(sentences)) + self._next) % len(self._table)
        self._next += len(sentences)
        return self._table[rows]


__all__ = ["DIM", "StubEncoder"]
