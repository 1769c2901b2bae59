"""Data parallelism: several processes train one head, each on its share of every batch."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed

from segclf.heads.base import BaseHead
from segclf.inputs.batches import Batch
from segclf.inputs.examples import Examples
from segclf.training.losses import Loss


@dataclass(frozen=True)
class Workers:
    """The processes that train a head, connected by `torch.distributed` if there are several.

    All workers make the same batches from the same examples. Each computes the gradient of its
    share of a batch, and all of them apply the mean. Except for rounding errors and for dropout,
    the result is that of a single process.

    Attributes:
        rank: Number of this worker, beginning with 0.
        count: Number of workers; 1 for a process that trains alone, without `torch.distributed`.
    """

    rank: int = 0
    count: int = 1

    @property
    def share(self) -> slice:
        """The blocks or crops of a batch that this worker reads."""
        return slice(self.rank, None, self.count)

    def begin(self, head: BaseHead, seed: int) -> None:
        """Copy the weights of worker 0 to all workers, each of which gets another dropout."""
        if self.count == 1:
            return
        for tensor in head.state_dict().values():
            distributed.broadcast(tensor, 0)
        if self.rank:
            torch.manual_seed(seed + self.rank)

    def backward(self, head: BaseHead, loss: Loss, batch: Batch | None) -> tuple[Tensor, int]:
        """Compute the gradients of a batch, as the mean over the candidates of all workers.

        Args:
            head: Head without gradients, which it gets.
            loss: Loss function, a mean over candidates.
            batch: This worker's share of the batch; None for no candidates.

        Returns:
            The mean loss (), and the number of candidates, over all workers.
        """
        value, size = head.mean.new_zeros(()), 0
        if batch is not None:
            value = loss(head(batch.sentences, batch.index), batch.targets)
            size = len(batch.targets)
            value.backward()  # type: ignore[no-untyped-call]
        if self.count == 1:
            return value.detach(), size
        parameters = list(head.parameters())
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        parts = [part.flatten() for part in (*gradients, value.detach(), torch.ones_like(value))]
        sums = torch.cat(parts).mul_(size)
        distributed.all_reduce(sums)
        means = sums / sums[-1].clamp(min=1)
        *gradients, value, _ = torch.split(means, [len(part) for part in parts])
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.view_as(parameter)
        return value[0], int(sums[-1])

    def predict(self, head: BaseHead, examples: Examples) -> NDArray[np.float32]:
        """Return the probabilities (n,) of worker 0, so that all workers decide alike."""
        if self.count == 1:
            return head.predict(examples)
        probabilities = head.mean.new_empty(len(examples.layout))
        if self.rank == 0:
            probabilities.copy_(torch.from_numpy(head.predict(examples)))
        distributed.broadcast(probabilities, 0)
        return probabilities.cpu().numpy()


ALONE = Workers()
"""A single process."""
