"""Training batches of crops of documents, for heads that read whole documents."""

from collections.abc import Iterator
from itertools import pairwise, zip_longest

import numpy as np
import torch
from torch import Tensor

from segclf.inputs.batches import EVERYTHING, Batch
from segclf.inputs.examples import Examples
from segclf.inputs.row_tensors import load, prefetch, take

Crop = tuple[int, int]  # positions of the first and the last sentence, both included


class CropBatches:
    """Training batches of crops, for heads that read whole documents.

    An epoch visits every candidate once. A crop is a contiguous part of a document and is read like
    a document; a document that fits into one crop is not cut. The order and the edges of the crops
    change with every epoch. Neighbouring crops share the sentence at their edge, so no candidate is
    lost.

    Args:
        examples: Training split, with sentence vectors.
        crop: Maximum number of candidates in a crop.
        batch_size: Minimum number of candidates in each batch but the last.
        device: Device of the batches.
    """

    def __init__(self, examples: Examples, crop: int, batch_size: int, device: str) -> None:
        layout = examples.layout
        self._documents = [(start, stop) for start, stop in layout.documents if stop - start > 1]
        self._crop = crop
        self._batch_size = batch_size
        self._device = device
        self.vectors = load(examples.vectors, device)  # (n, d)
        self._targets = torch.from_numpy(layout.labels.astype(np.float32)).to(device)

    def __len__(self) -> int:
        """Return the maximum number of batches in an epoch."""
        candidates = sum(stop - start - 1 for start, stop in self._documents)
        return -(-candidates // self._batch_size)

    def epoch(
        self, random: np.random.Generator, share: slice = EVERYTHING
    ) -> Iterator[Batch | None]:
        """Yield the batches of one epoch.

        Args:
            random: Generator of random numbers for the order and the edges of the crops.
            share: Crops of each batch to read, for a worker that shares the batches with others.

        Yields:
            Each batch; with `share`, this share of it, or None if the share has no candidates.
        """
        crops = [crop for document in self._documents for crop in self._cut(*document, random)]
        random.shuffle(crops)
        steps = [step[share] for step in self._steps(crops)]
        for step, following in zip_longest(steps, steps[1:]):
            if following:
                prefetch(self.vectors, _sentences(following))
            yield self._batch(step) if step else None

    def _steps(self, crops: list[Crop]) -> list[list[Crop]]:
        steps: list[list[Crop]] = [[]]
        size = 0
        for crop in crops:
            if size >= self._batch_size:
                steps.append([])
                size = 0
            steps[-1].append(crop)
            size += crop[1] - crop[0]
        return steps if crops else []

    def _cut(self, start: int, stop: int, random: np.random.Generator) -> list[Crop]:
        fits = stop - start - 1 <= self._crop
        first = start if fits else start - random.integers(self._crop)
        edges = np.arange(first, stop - 1, self._crop)
        edges = np.append(edges.clip(min=start), stop - 1)
        return list(pairwise(edges.tolist()))

    def _batch(self, crops: list[Crop]) -> Batch:
        lengths = [last + 1 - first for first, last in crops]
        candidates = torch.cat([torch.arange(first + 1, last + 1) for first, last in crops])
        return Batch(
            sentences=take(self.vectors, _sentences(crops), self._device),
            index=torch.tensor([0, *lengths], device=self._device).cumsum(0),
            targets=self._targets[candidates.to(self._device)],
        )


def _sentences(crops: list[Crop]) -> Tensor:
    """Return the positions of the sentences of crops, one crop after another."""
    return torch.cat([torch.arange(first, last + 1) for first, last in crops])
