"""Static vectors: a sentence is the mean of token vectors that are distilled from a transformer.

The method is that of model2vec (Tulkens and van Dongen 2024,
https://github.com/MinishLab/model2vec); see `embedcache.encoders.distillation`. Unlike in
model2vec, the first and the last tokens of a sentence also have means of their own, because
paragraphs begin and end with them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from embedcache.encoders.base import Encoder, Tokens
from embedcache.encoders.token_ids import load_tokenizer

VECTORS = "vectors.npy"  # (v, c) float16: a row for each token, the first principal component first
SETTINGS = "static.json"  # identity
COMPONENTS = 128  # of the vector of a token, unless the transformer has fewer
EDGE = 2  # tokens at each end that have a mean of their own
_STEP = 256  # sentences that are tokenized at once; with more, each sentence takes longer
_BLOCK = 1 << 14  # tokens of a sentence that are added up at once; limits memory


def static_identity(transformer: Encoder) -> dict[str, Any]:
    """Return everything that the vectors depend on that are distilled from a transformer."""
    return {
        "static": 1,
        "components": min(COMPONENTS, transformer.dim),
        "edge": EDGE,
        "max_tokens": None,
        "transformer": transformer.identity,
    }


def is_static(folder: Path) -> bool:
    """Return whether a folder contains a finished encoder."""
    return (folder / SETTINGS).is_file()


def open_static(name: str, folder: Path) -> StaticEncoder:
    """Open a finished encoder from its folder."""
    identity = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    return StaticEncoder(name, identity, lambda: folder)


class StaticEncoder(Encoder):
    """The means of the vectors of a sentence's tokens: of all, the first two and the last two.

    The vector of a sentence without tokens is zero. A sentence may have any number of tokens. The
    files of the encoder are read at its first use, without torch and transformers.

    Args:
        name: Name in messages and tables.
        identity: Everything that the vectors depend on; see `static_identity`.
        directory: Function that returns the folder of the encoder.
    """

    batch_tokens = 1 << 17  # characters
    is_parallel = True

    def __init__(
        self,
        name: str,
        identity: dict[str, Any],
        directory: Callable[[], Path],
    ) -> None:
        self.name = name
        self.dim = 3 * identity["components"]
        self._identity = identity
        self._directory = directory

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the vectors depend on."""
        return self._identity

    @cached_property
    def directory(self) -> Path:
        """Folder of the encoder; the vectors are distilled at the first use."""
        return self._directory()

    def tokenize(self, sentences: Sequence[str]) -> Tokens:
        """Count the characters of n sentences, and load the encoder; `encode` tokenizes."""
        _ = self._tokenizer, self._vectors  # loaded once, before threads use them
        return super().tokenize(sentences)

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Encode n sentences: (n, dim) float32."""
        tokens, counts = self._tokenize(sentences)
        table, rows = self._look_up(tokens)
        means = [
            _means(table, rows, counts),
            _edge_means(table, rows, counts, 1),
            _edge_means(table, rows, counts, -1),
        ]
        return np.concatenate(means, axis=1)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(self.directory)

    @cached_property
    def _vectors(self) -> NDArray[np.float16]:
        vectors: NDArray[np.float16] = np.load(self.directory / VECTORS, mmap_mode="r")
        return vectors

    def _tokenize(self, sentences: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the tokens (t,) of n sentences, and the number of tokens of each sentence (n,)."""
        ids = [
            encoding.ids
            for start in range(0, len(sentences), _STEP)
            for encoding in self._tokenizer.encode_batch_fast(
                sentences[start : start + _STEP], add_special_tokens=False
            )
        ]
        counts = np.array([len(own) for own in ids], dtype=np.int64)
        tokens = np.fromiter(chain.from_iterable(ids), dtype=np.int64, count=int(counts.sum()))
        return tokens, counts

    def _look_up(self, tokens: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the vectors of the distinct tokens (u, c), and the row of each of t tokens."""
        occurs = np.zeros(len(self._vectors), dtype=np.bool_)
        occurs[tokens] = True
        return self._vectors[occurs].astype(np.float32), (occurs.cumsum() - 1)[tokens]


def _means(
    table: NDArray[np.float32], rows: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Average the vectors of all tokens of n sentences.

    Args:
        table: (u, d) vectors of tokens.
        rows: (t,) rows of the tokens in the table, one sentence after the other.
        counts: (n,) number of tokens of each sentence.

    Returns:
        (n, d) float32, zero for sentences without tokens.
    """
    sums = np.zeros((len(counts), table.shape[1]), dtype=np.float32)
    stop = 0
    for total, count in zip(sums, counts.tolist(), strict=True):
        start, stop = stop, stop + count
        for block in range(start, stop, _BLOCK):
            total += np.add.reduce(table[rows[block : min(block + _BLOCK, stop)]])
    sums /= np.maximum(counts, 1)[:, None]
    return sums


def _edge_means(
    table: NDArray[np.float32], rows: NDArray[np.int64], counts: NDArray[np.int64], step: int
) -> NDArray[np.float32]:
    """Average the vectors of the first (step 1) or the last (step -1) tokens of n sentences.

    The other arguments, and the result, are like those of `_means`.
    """
    stops = np.cumsum(counts)
    outermost = stops - counts if step == 1 else stops - 1
    sums = np.zeros((len(counts), table.shape[1]), dtype=np.float32)
    for distance in range(EDGE):
        exists = counts > distance
        sums[exists] += table[rows[outermost[exists] + step * distance]]
    sums /= np.clip(counts, 1, EDGE)[:, None]
    return sums
