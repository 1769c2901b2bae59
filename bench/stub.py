"""An encoder that takes no time, for benchmarks of the caches alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache import Encoder

DIM = 384


class StubEncoder(Encoder):
    """Returns rows of a fixed random table instead of running a model."""

    name = "stub"

    def __init__(self, dim: int = DIM) -> None:
        self.dim = dim
        self._table = np.random.default_rng(0).standard_normal((4096, dim), dtype=np.float32)
        self._next = 0

    @property
    def identity(self) -> dict[str, Any]:
        """Return the same identity for every stub of this dimension."""
        return {"stub": self.dim}

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Return (n, dim) float32."""
        rows = (np.arange(len(sentences)) + self._next) % len(self._table)
        self._next += len(sentences)
        return self._table[rows]
