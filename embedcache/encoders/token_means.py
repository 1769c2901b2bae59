"""Means of token vectors: of all tokens of a sentence, of its first two and of its last two.

Paragraphs begin with the first tokens of a sentence and end with the last ones, so these tokens
have separate means.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from embedcache.encoders.base import Encoder, Tokens

EDGE = 2  # number of tokens at each end that have a separate mean
_STEP = 256  # sentences that are tokenized at once; with more, each sentence takes longer
_BLOCK = 1 << 14  # tokens of a sentence that are added up at once; limits memory


@dataclass(frozen=True)
class TokenVectors:
    """A tokenizer and the vectors of its v tokens.

    Attributes:
        tokenizer: Tokenizer.
        vectors: (v, c) float16.
        columns: Columns of `vectors` that are averaged over all tokens, over the first tokens and
            over the last tokens.
    """

    tokenizer: Tokenizer
    vectors: NDArray[np.float16]
    columns: tuple[slice, slice, slice]


class TokenMeansEncoder(Encoder):
    """Means of the vectors of a sentence's tokens: of all, the first two and the last two tokens.

    The vector of a sentence without tokens is zero. A sentence may have any number of tokens.
    """

    batch_tokens = 1 << 17  # characters
    is_parallel = True

    def tokenize(self, sentences: Sequence[str]) -> Tokens:
        """Count the characters of n sentences, and load the encoder; `encode` tokenizes."""
        _ = self._tokens  # loaded before several threads encode
        return super().tokenize(sentences)

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Encode n sentences: (n, dim) float32."""
        tokens, counts = self._tokenize(sentences)
        table, rows = self._look_up(tokens)
        whole, first, last = (table[:, columns] for columns in self._tokens.columns)
        means = [
            _means(whole, rows, counts),
            _edge_means(first, rows, counts, 1),
            _edge_means(last, rows, counts, -1),
        ]
        return np.concatenate(means, axis=1)

    @cached_property
    def _tokens(self) -> TokenVectors:
        return self._load()

    @abstractmethod
    def _load(self) -> TokenVectors:
        """Read the files of the encoder."""

    def _tokenize(self, sentences: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the tokens (t,) of n sentences, and the number of tokens of each sentence (n,)."""
        ids = [
            encoding.ids
            for start in range(0, len(sentences), _STEP)
            for encoding in self._tokens.tokenizer.encode_batch_fast(
                sentences[start : start + _STEP], add_special_tokens=False
            )
        ]
        counts = np.array([len(sentence) for sentence in ids], dtype=np.int64)
        tokens = np.fromiter(chain.from_iterable(ids), dtype=np.int64, count=int(counts.sum()))
        return tokens, counts

    def _look_up(self, tokens: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the vectors (u, c) of the distinct tokens, and the rows (t,) of all tokens."""
        vectors = self._tokens.vectors
        occurs = np.zeros(len(vectors), dtype=np.bool_)
        occurs[tokens] = True
        return vectors[occurs].astype(np.float32), (occurs.cumsum() - 1)[tokens]


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
