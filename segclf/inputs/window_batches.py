"""Training batches of windows, for heads that read a window around each candidate."""

from collections.abc import Iterator
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor

from segclf.inputs.batches import Batch
from segclf.inputs.examples import Examples
from segclf.inputs.row_tensors import load, prefetch, take
from segclf.inputs.rows import RowFile
from segclf.inputs.sentence_tensors import look_up
from segclf.inputs.windows import OUTSIDE, check_window

_RUNS = 8  # approximate number in a batch: more runs mix better, fewer share more sentences


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
        check_window(window)
        self._window = window
        self._run = max(batch_size // _RUNS, 1)
        self._runs = batch_size // self._run
        self._vectors = load(examples.vectors, device)
        self._table = None
        if examples.table is not None:
            self._table = torch.from_numpy(examples.table).to(device)
        layout = examples.layout
        self._targets = torch.from_numpy(layout.labels.astype(np.float32)).to(device)
        self._is_candidate = torch.from_numpy(layout.is_candidate).to(device)
        self._offsets = torch.from_numpy(layout.offsets).to(device)
        self._device = device

    @property
    def vectors(self) -> Tensor | RowFile:
        """Vectors of all sentences (n, d), or of all words that occur (u, d)."""
        return self._vectors if self._table is None else self._table[:-1]

    def __len__(self) -> int:
        """Return the maximum number of batches in an epoch."""
        runs = -(-len(self._targets) // self._run) + 1
        return -(-runs // self._runs)

    def epoch(self, random: np.random.Generator) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        n = len(self._targets)
        starts = np.arange(random.integers(-self._run + 1, 1), n, self._run)
        random.shuffle(starts)
        shuffled = torch.from_numpy(starts)
        steps = [shuffled[i : i + self._runs] for i in range(0, len(starts), self._runs)]
        for step, following in zip_longest(steps, steps[1:]):
            if following is not None:
                prefetch(self._vectors, self._sentences(following))
            batch = self._batch(step)
            if len(batch.targets):
                yield batch

    def _sentences(self, starts: Tensor) -> Tensor:
        """Return the positions of the sentences that runs need: run + 2w - 1 for each run."""
        around = torch.arange(-self._window, self._run + self._window - 1)
        return (starts[:, None] + around).clamp(0, len(self._targets) - 1).flatten()

    def _batch(self, starts: Tensor) -> Batch:
        n, w, run = len(self._targets), self._window, self._run
        vectors = take(self._vectors, self._sentences(starts), self._device)
        starts = starts.to(self._device)[:, None]  # (r, 1)
        numbers = (starts + torch.arange(run, device=self._device)).flatten()  # (r * run,)
        in_range = (numbers >= 0) & (numbers < n)
        numbers = numbers.clamp(0, n - 1)
        kept = in_range & self._is_candidate[numbers]
        in_run = (  # the window of candidate j of a run: its sentences j to j + 2w - 1
            torch.arange(run, device=self._device)[:, None]
            + torch.arange(2 * w, device=self._device)
        )  # (run, 2w)
        base = torch.arange(len(starts), device=self._device) * (run + 2 * w - 1)
        windows = (base[:, None, None] + in_run).flatten(0, 1)  # (r * run, 2w)
        positions = numbers[:, None] + torch.arange(-w, w, device=self._device)
        end = torch.searchsorted(self._offsets, numbers[:, None], right=True)  # of the document
        inside = (positions >= self._offsets[end - 1]) & (positions < self._offsets[end])
        windows = torch.where(inside, windows, OUTSIDE)
        return Batch(
            sentences=look_up(vectors, self._table),
            index=windows[kept],
            targets=self._targets[numbers[kept]],
        )
