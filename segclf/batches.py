"""Training batches made of contiguous runs, so that neighbours share their sentences."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segclf.heads.base import Sentences, Words
from segclf.windows import OUTSIDE, candidates, windows_of

_RUNS = 8  # a batch, about: more of them mix better, fewer share more


@dataclass(frozen=True)
class Examples:
    """Vectors and labels of the documents of one split.

    Attributes:
        vectors: (n, d) float32; or, with a table, (n, l) int32, each sentence's words as rows of
            the table and -1 behind the last.
        labels: (n,) bool.
        offsets: (m + 1,) where documents begin.
        table: (u + 1, d) float32, vectors of u words and one of zeros, which -1 means.
    """

    vectors: NDArray[np.float32] | NDArray[np.int32]
    labels: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    table: NDArray[np.float32] | None = None

    @classmethod
    def of_words(
        cls,
        words: NDArray[np.int32],
        matrix: NDArray[np.float32],
        labels: NDArray[np.bool_],
        offsets: NDArray[np.int64],
    ) -> "Examples":
        """Make a table of the words that occur.

        Args:
            words: (n, l) rows of the matrix, -1 behind the last of a sentence.
            matrix: (v, d) word vectors, read only where they occur.
            labels: see `Examples`.
            offsets: likewise.
        """
        used, renumbered = np.unique(words, return_inverse=True)
        padded = int(np.count_nonzero(used < 0))
        table = np.zeros((len(used) - padded + 1, matrix.shape[1]), dtype=np.float32)
        table[:-1] = matrix[used[padded:]]
        rows = (renumbered.reshape(words.shape) - padded).astype(np.int32)
        return cls(rows, labels, offsets, table)

    @property
    def dim(self) -> int:
        """Length d of a sentence's vector, or of a word's."""
        return int((self.vectors if self.table is None else self.table).shape[1])

    def candidates(self) -> NDArray[np.bool_]:
        """Say before which sentences a decision is due: (n,) bool."""
        return candidates(self.offsets)


def look_up(vectors: Tensor, table: Tensor | None) -> Sentences:
    """Return what a head reads of sentences.

    Args:
        vectors: (s, d), or (s, l) words: see `Examples`.
        table: likewise.

    Returns:
        The vectors as they are, or words with a table of those that occur in them.
    """
    if table is None:
        return vectors
    longest = max(int((vectors >= 0).sum(dim=1).max()), 1)
    rows = vectors[:, :longest].long().remainder(len(table))  # -1 means the last
    occurs = torch.zeros(len(table), dtype=torch.bool, device=table.device)
    occurs[rows] = True
    occurs[-1] = True
    return Words((occurs.cumsum(0) - 1)[rows], table[occurs])


@dataclass(frozen=True)
class Batch:
    """What a head is trained on in one step.

    Attributes:
        sentences: those of the batch's runs, vectors (s, d) or words (s, l).
        places: what a head reads them by. Windows (b, 2w) of positions in them, OUTSIDE where
            there is no sentence; or offsets (m + 1,) of documents, with b candidates in all.
        targets: (b,) float32 of 0 and 1.
    """

    sentences: Sentences
    places: Tensor
    targets: Tensor


class Batches:
    """Every candidate once an epoch, in runs of neighbours whose order and edges are drawn anew.

    A run of r candidates needs r + 2w - 1 sentences, not 2wr: the head projects each once.

    Args:
        examples: the training split.
        window: sentences w on each side.
        batch_size: candidates a step, about.
        device: where the vectors live.
    """

    def __init__(self, examples: Examples, window: int, batch_size: int, device: str) -> None:
        self._window = window
        self._run = max(batch_size // _RUNS, 1)
        self._runs = batch_size // self._run
        self._vectors = torch.from_numpy(examples.vectors).to(device)
        self._table = None
        if examples.table is not None:
            self._table = torch.from_numpy(examples.table).to(device)
        self._targets = torch.from_numpy(examples.labels.astype(np.float32)).to(device)
        self._due = torch.from_numpy(examples.candidates()).to(device)
        inside = windows_of(examples.offsets, window) != OUTSIDE
        self._inside = torch.from_numpy(inside).to(device)
        self._device = device

    @property
    def vectors(self) -> Tensor:
        """All sentences (n, d), or all words that occur in them (u, d)."""
        return self._vectors if self._table is None else self._table[:-1]

    def __len__(self) -> int:
        """Return the most steps that an epoch may have."""
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
        length = run + 2 * w - 1  # sentences of a run
        starts = starts.to(self._device)[:, None]  # (r, 1)
        sentences = starts + torch.arange(-w, run + w - 1, device=self._device)  # (r, length)
        numbers = (starts + torch.arange(run, device=self._device)).flatten()  # (r * run,)
        in_range = (numbers >= 0) & (numbers < n)
        numbers = numbers.clamp(0, n - 1)
        kept = in_range & self._due[numbers]
        in_run = (  # window of candidate j of a run: its sentences j to j + 2w - 1
            torch.arange(run, device=self._device)[:, None]
            + torch.arange(2 * w, device=self._device)
        )  # (run, 2w)
        base = torch.arange(len(starts), device=self._device) * length
        windows = (base[:, None, None] + in_run).flatten(0, 1)  # (r * run, 2w)
        windows = torch.where(self._inside[numbers], windows, OUTSIDE)
        return Batch(
            sentences=look_up(self._vectors[sentences.clamp(0, n - 1).flatten()], self._table),
            places=windows[kept],
            targets=self._targets[numbers[kept]],
        )
