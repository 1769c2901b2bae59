"""Input of a head: vectors or words of sentences, and their layout.

This module does not import torch.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segclf.corpus.layout import Layout
from segclf.inputs.rows import PART, Rows


@dataclass(frozen=True)
class Examples:
    """Vectors and layout of the documents of one split.

    Attributes:
        vectors: (n, d) float32 sentence vectors, an array or rows that are read in parts. With a
            table: (n, l) int32, the row of the table for each word of each sentence, padded with
            -1.
        layout: Layout of the n sentences.
        table: (u + 1, d) float32, one vector for each of u distinct words, and a last row of zeros
            for the padding; None if `vectors` are sentence vectors.
    """

    vectors: Rows
    layout: Layout
    table: NDArray[np.float32] | None = None

    @classmethod
    def of_words(cls, words: Rows, matrix: NDArray[np.float32], layout: Layout) -> "Examples":
        """Make examples of words; the table holds only the words that occur.

        Args:
            words: (n, l) int32, the row of the matrix for each word of each sentence, padded with
                -1. An array is renumbered immediately; other rows are renumbered when they are
                read.
            matrix: (v, d) float32 word vectors. Only the rows that occur are read.
            layout: Layout of the n sentences.
        """
        occurs = np.zeros(len(matrix) + 1, dtype=np.bool_)  # the last element is for the padding
        for start in range(0, len(layout), PART):
            occurs[words[start : start + PART]] = True
        used = np.flatnonzero(occurs[:-1])
        table = np.zeros((len(used) + 1, matrix.shape[1]), dtype=np.float32)
        table[:-1] = matrix[used]
        numbers = np.full(len(occurs), -1, dtype=np.int32)
        numbers[used] = np.arange(len(used))
        rows = _Renumbered(words, numbers)
        return cls(rows[:] if isinstance(words, np.ndarray) else rows, layout, table)

    def select(self, chosen: NDArray[np.bool_]) -> "Examples":
        """Return the examples of some of the sentences.

        Args:
            chosen: (n,) bool, whether to keep each sentence; see `Layout.select`.
        """
        return replace(self, vectors=self.vectors[:][chosen], layout=self.layout.select(chosen))

    @property
    def dim(self) -> int:
        """Length d of a sentence vector, or of a word vector."""
        return int((self.vectors if self.table is None else self.table).shape[1])


class _Renumbered:
    """Words (n, l) as rows of a smaller table; each range is renumbered when it is read.

    Args:
        words: (n, l) int32 rows of a matrix, padded with -1.
        numbers: (v + 1,) int32, the row of the table for each of the v rows of the matrix. The last
            element is for the padding.
    """

    def __init__(self, words: Rows, numbers: NDArray[np.int32]) -> None:
        self.shape, self.dtype = words.shape, words.dtype
        self._words = words
        self._numbers = numbers

    def __getitem__(self, rows: slice, /) -> NDArray[np.int32]:
        renumbered: NDArray[np.int32] = self._numbers[self._words[rows]]
        return renumbered
