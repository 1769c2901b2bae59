"""Training batches of crops of documents, for heads that read whole documents."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch

from segclf.inputs.batches import Batch
from segclf.inputs.examples import Examples

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
        batch_size: Approximate number of candidates in a batch.
        device: Device of the batches.
    """

    def __init__(self, examples: Examples, crop: int, batch_size: int, device: str) -> None:
        layout = examples.layout
        self._documents = [(start, stop) for start, stop in layout.documents if stop - start > 1]
        self._crop = crop
        self._batch_size = batch_size
        self.vectors = torch.from_numpy(examples.vectors).to(device)  # (n, d)
        self._targets = torch.from_numpy(layout.labels.astype(np.float32)).to(device)

    def __len__(self) -> int:
        """Return the maximum number of batches in an epoch."""
        candidates = sum(stop - start - 1 for start, stop in self._documents)
        return -(-candidates // self._batch_size)

    def epoch(self, random: np.random.Generator) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        crops = [crop for document in self._documents for crop in self._cut(*document, random)]
        random.shuffle(crops)
        chosen: list[Crop] = []
        size = 0
        for crop in crops:
            chosen.append(crop)
            size += crop[1] - crop[0]
            if size >= self._batch_size:
                yield self._batch(chosen)
                chosen, size = [], 0
        if chosen:
            yield self._batch(chosen)

    def _cut(self, start: int, stop: int, random: np.random.Generator) -> list[Crop]:
        fits = stop - start - 1 <= self._crop
        first = start if fits else start - random.integers(self._crop)
        edges = np.arange(first, stop - 1, self._crop)
        edges = np.append(edges.clip(min=start), stop - 1)
        return list(pairwise(edges.tolist()))

    def _batch(self, crops: list[Crop]) -> Batch:
        lengths = [last + 1 - first for first, last in crops]
        device = self.vectors.device
        sentences = torch.cat([torch.arange(first, last + 1) for first, last in crops]).to(device)
        candidates = torch.cat([torch.arange(first + 1, last + 1) for first, last in crops])
        return Batch(
            sentences=self.vectors[sentences],
            index=torch.tensor([0, *lengths], device=device).cumsum(0),
            targets=self._targets[candidates.to(device)],
        )
