"""Training batches of windows, for heads that read a window around each candidate."""

from collections.abc import Iterator
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor

from segclf.inputs.batches import EVERYTHING, Batch
from segclf.inputs.blocks import block_size, shuffled_blocks
from segclf.inputs.examples import Examples
from segclf.inputs.row_tensors import load, prefetch, take
from segclf.inputs.rows import RowFile
from segclf.inputs.sentence_tensors import look_up
from segclf.inputs.windows import OUTSIDE, check_window

_BLOCKS = 8  # approximate number of blocks of consecutive candidates in a batch


class WindowBatches:
    """Training batches of windows, for heads that read a window around each candidate.

    An epoch visits every candidate once. A batch consists of blocks of consecutive candidates; the
    order and the edges of the blocks change with every epoch. A block of k candidates needs
    k + 2w - 1 sentences, not 2wk, and a head projects each of them once.

    Args:
        examples: Training split.
        window: Number of sentences w on each side of a candidate.
        batch_size: Approximate number of candidates in a batch.
        device: Device of the batches.

    Raises:
        UserError: The window is below 1 or above `MAX_WINDOW`.
    """

    def __init__(self, examples: Examples, window: int, batch_size: int, device: str) -> None:
        check_window(window)
        self._window = window
        self._batch_size = batch_size
        self._block_size = block_size(batch_size, _BLOCKS)
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
        """Vectors of all sentences, (n, d), or of all distinct words, (u, d)."""
        return self._vectors if self._table is None else self._table[:-1]

    def __len__(self) -> int:
        """Return the maximum number of batches in an epoch."""
        blocks = -(-len(self._targets) // self._block_size) + 1
        return -(-blocks // (self._batch_size // self._block_size))

    def epoch(
        self, random: np.random.Generator, share: slice = EVERYTHING
    ) -> Iterator[Batch | None]:
        """Yield the batches of one epoch.

        Args:
            random: Generator of random numbers for the order and the edges of the blocks.
            share: Blocks of each batch to read, for a worker that shares the batches with others.

        Yields:
            Each batch that has candidates; with `share`, this share of each batch, or None if the
            share has no candidates.
        """
        shuffled = shuffled_blocks(len(self._targets), self._batch_size, _BLOCKS, random)
        batches = [torch.from_numpy(starts[share]) for starts in shuffled]
        for blocks, following in zip_longest(batches, batches[1:]):
            if following is not None:
                prefetch(self._vectors, self._sentences(following))
            batch = self._batch(blocks) if len(blocks) else None
            if batch and len(batch.targets):
                yield batch
            elif share != EVERYTHING:
                yield None

    def _sentences(self, starts: Tensor) -> Tensor:
        """Return the positions of the sentences that blocks need, k + 2w - 1 for each block."""
        around = torch.arange(-self._window, self._block_size + self._window - 1)
        return (starts[:, None] + around).clamp(0, len(self._targets) - 1).flatten()

    def _batch(self, starts: Tensor) -> Batch:
        n, w, k = len(self._targets), self._window, self._block_size
        vectors = take(self._vectors, self._sentences(starts), self._device)
        starts = starts.to(self._device)[:, None]  # (b, 1) for b blocks
        chosen = (starts + torch.arange(k, device=self._device)).flatten()  # (b * k,)
        in_range = (chosen >= 0) & (chosen < n)
        chosen = chosen.clamp(0, n - 1)
        kept = in_range & self._is_candidate[chosen]
        (place,) = kept.nonzero(as_tuple=True)  # (c,) for c candidates
        chosen = chosen[kept]
        # the window of candidate j of a block: the sentences j to j + 2w - 1 of the block
        first = place // k * (k + 2 * w - 1) + place % k
        windows = first[:, None] + torch.arange(2 * w, device=self._device)  # (c, 2w)
        positions = chosen[:, None] + torch.arange(-w, w, device=self._device)
        end = torch.searchsorted(self._offsets, chosen[:, None], right=True)  # of the document
        inside = (positions >= self._offsets[end - 1]) & (positions < self._offsets[end])
        return Batch(
            sentences=look_up(vectors, self._table),
            index=torch.where(inside, windows, OUTSIDE),
            targets=self._targets[chosen],
        )
