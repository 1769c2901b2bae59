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
        rank: Rank of this worker, from 0 to `count` - 1.
        count: Number of workers; 1 for a single process, which does not use `torch.distributed`.
    """

    rank: int = 0
    count: int = 1

    @property
    def share(self) -> slice:
        """The blocks or crops of a batch that this worker reads."""
        return slice(self.rank, None, self.count)

    def begin(self, head: BaseHead, seed: int) -> None:
        """Copy the weights of worker 0 to all workers, and seed dropout differently in each worker.

        Args:
            head: Head of this worker. Its weights are replaced.
            seed: Random seed that was set in all workers.
        """
        if self.count == 1:
            return
        for tensor in head.state_dict().values():
            distributed.broadcast(tensor, 0)
        if self.rank:
            torch.manual_seed(seed + self.rank)

    def backward(self, head: BaseHead, loss: Loss, batch: Batch | None) -> tuple[Tensor, int]:
        """Compute the gradients of the mean loss over the candidates of all workers.

        Args:
            head: Head whose gradients are None. They are set.
            loss: Loss function, a mean over candidates.
            batch: This worker's share of the batch; None if the share has no candidates.

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
        """Return the probabilities (n,) that worker 0 predicts, in all workers.

        Rounding errors may differ between workers. With the same probabilities, all of them choose
        the same epoch and stop after the same epoch.
        """
        if self.count == 1:
            return head.predict(examples)
        probabilities = head.mean.new_empty(len(examples.layout))
        if self.rank == 0:
            probabilities.copy_(torch.from_numpy(head.predict(examples)))
        distributed.broadcast(probabilities, 0)
        return probabilities.cpu().numpy()


SINGLE_PROCESS = Workers()
"""The only worker, if a single process trains the head."""
