"""Inputs of heads: vectors or words of sentences, and batches of windows to train on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segclf.layout import Layout
from segclf.windows import OUTSIDE, windows_of

_RUNS = 8  # approximate number of runs in a batch: more mix better, fewer share more sentences


class Words(NamedTuple):
    """Sentences as words.

    Attributes:
        rows: (s, l) int64, rows of the table for the words of each sentence, padded with the last
            row of the table.
        table: (u + 1, d) float32, one vector for each of u different words, followed by zeros.
    """

    rows: Tensor
    table: Tensor


Sentences: TypeAlias = Tensor | Words  # (s, d) float32 vectors, or words


@dataclass(frozen=True)
class Examples:
    """Vectors and layout of the documents of one split.

    Attributes:
        vectors: (n, d) float32 sentence vectors. With a table: (n, l) int32, rows of the table for
            the words of each sentence, padded with -1.
        layout: Layout of the n sentences.
        table: (u + 1, d) float32, vectors of u words, followed by zeros for the padding.
    """

    vectors: NDArray[np.float32] | NDArray[np.int32]
    layout: Layout
    table: NDArray[np.float32] | None = None

    @classmethod
    def of_words(
        cls, words: NDArray[np.int32], matrix: NDArray[np.float32], layout: Layout
    ) -> "Examples":
        """Make examples of words; the table holds only the words that occur.

        Args:
            words: (n, l) rows of the matrix, padded with -1.
            matrix: (v, d) word vectors. Only the rows that occur are read.
            layout: Layout of the n sentences.
        """
        used, renumbered = np.unique(words, return_inverse=True)
        padded = int(np.count_nonzero(used < 0))
        table = np.zeros((len(used) - padded + 1, matrix.shape[1]), dtype=np.float32)
        table[:-1] = matrix[used[padded:]]
        rows = (renumbered.reshape(words.shape) - padded).astype(np.int32)
        return cls(rows, layout, table)

    @property
    def dim(self) -> int:
        """Length d of the vector of a sentence, or of a word."""
        return int((self.vectors if self.table is None else self.table).shape[1])


def look_up(vectors: Tensor, table: Tensor | None) -> Sentences:
    """Return what a head reads for some sentences.

    Args:
        vectors: (s, d) float32 vectors, or (s, l) int32 rows of the table, see `Examples`.
        table: (u + 1, d) float32 word vectors, or None.

    Returns:
        The vectors unchanged, or words with a table of those that occur.
    """
    if table is None:
        return vectors
    longest = max(int((vectors >= 0).sum(dim=1).max()), 1)
    rows = vectors[:, :longest].long().remainder(len(table))  # -1 becomes the last row
    occurs = torch.zeros(len(table), dtype=torch.bool, device=table.device)
    occurs[rows] = True
    occurs[-1] = True
    return Words((occurs.cumsum(0) - 1)[rows], table[occurs])


@dataclass(frozen=True)
class Batch:
    """Inputs and targets of one training step, for b candidates.

    Attributes:
        sentences: Vectors or words of s sentences.
        index: Second argument of the head's `forward`. For a head on windows: (b, 2w) positions of
            sentences, OUTSIDE beyond the document. For a head on documents: (m + 1,) offsets of m
            documents.
        targets: (b,) float32, 1 if a paragraph begins there and 0 otherwise.
    """

    sentences: Sentences
    index: Tensor
    targets: Tensor


class WindowBatches:
    """Training batches of windows, for heads that read a window around each candidate.

    An epoch visits every candidate once. A batch consists of runs of neighbouring candidates; the
    order and the edges of the runs change with every epoch. A run of r candidates needs
    r + 2w - 1 sentences, not 2wr, and a head projects each of them once.

    Args:
        examples: Training split.
        window: Number of sentences w on each side of a candidate.
        batch_size: Approximate number of candidates in a batch.
        device: Device of the batches.
    """

    def __init__(self, examples: Examples, window: int, batch_size: int, device: str) -> None:
        self._window = window
        self._run = max(batch_size // _RUNS, 1)
        self._runs = batch_size // self._run
        self._vectors = torch.from_numpy(examples.vectors).to(device)
        self._table = None
        if examples.table is not None:
            self._table = torch.from_numpy(examples.table).to(device)
        layout = examples.layout
        self._targets = torch.from_numpy(layout.labels.astype(np.float32)).to(device)
        self._is_candidate = torch.from_numpy(layout.is_candidate).to(device)
        self._inside = torch.from_numpy(windows_of(layout, window) != OUTSIDE).to(device)
        self._device = device

    @property
    def vectors(self) -> Tensor:
        """Vectors of all sentences (n, d), or of all words that occur (u, d)."""
        return self._vectors if self._table is None else self._table[:-1]

    def __len__(self) -> int:
        """Return the maximum number of batches in an epoch."""
        runs = -(-len(self._vectors) // self._run) + 1
        return -(-runs // self._runs)

    def epoch(self, random: np.random.Generator) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        n = len(self._vectors)
        starts = np.arange(random.integers(-self._run + 1, 1), n, self._run)
        random.shuffle(starts)
        for first in range(0, len(starts), self._runs):
            batch = self._batch(torch.from_numpy(starts[first : first + self._runs]))
            if len(batch.targets):
                yield batch

    def _batch(self, starts: Tensor) -> Batch:
        n, w, run = len(self._vectors), self._window, self._run
        length = run + 2 * w - 1  # number of sentences of a run
        starts = starts.to(self._device)[:, None]  # (r, 1)
        sentences = starts + torch.arange(-w, run + w - 1, device=self._device)  # (r, length)
        numbers = (starts + torch.arange(run, device=self._device)).flatten()  # (r * run,)
        in_range = (numbers >= 0) & (numbers < n)
        numbers = numbers.clamp(0, n - 1)
        kept = in_range & self._is_candidate[numbers]
        in_run = (  # the window of candidate j of a run: its sentences j to j + 2w - 1
            torch.arange(run, device=self._device)[:, None]
            + torch.arange(2 * w, device=self._device)
        )  # (run, 2w)
        base = torch.arange(len(starts), device=self._device) * length
        windows = (base[:, None, None] + in_run).flatten(0, 1)  # (r * run, 2w)
        windows = torch.where(self._inside[numbers], windows, OUTSIDE)
        return Batch(
            sentences=look_up(self._vectors[sentences.clamp(0, n - 1).flatten()], self._table),
            index=windows[kept],
            targets=self._targets[numbers[kept]],
        )
