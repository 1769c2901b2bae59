"""An encoder for tests. Processes that tests start import it faster than `tests.conftest`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache import Encoder


class HashEncoder(Encoder):
    """A real, fast encoder: normalized counts of hashed bigrams. It records what it encodes."""

    def __init__(self, dim: int = 32, name: str = "hash") -> None:
        self.name = name
        self.dim = dim
        self.encoded: list[str] = []

    @property
    def identity(self) -> dict[str, Any]:
        return {"bigrams": self.dim, "name": self.name}

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        self.encoded += sentences
        vectors = np.zeros((len(sentences), self.dim), dtype=np.float32)
        for row, sentence in enumerate(sentences):
            for pair in zip(sentence, sentence[1:] + "\n", strict=True):
                vectors[row, (ord(pair[0]) * 31 + ord(pair[1])) % self.dim] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
