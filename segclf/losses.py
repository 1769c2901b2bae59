"""Losses for rare boundaries: (b,) logits and (b,) targets of 0 and 1 -> a number."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from embedcache import UserError

Loss = Callable[[Tensor, Tensor], Tensor]

LOSSES = ("cross-entropy", "balanced", "focal")


def make_loss(name: str, boundary_rate: float, gamma: float = 2.0) -> Loss:
    """Make a loss.

    Args:
        name: "cross-entropy"; "balanced", which weights each class by its inverse frequency (mean
            weight 1); or "focal" (Lin et al. 2017), which weights an example by (1 - p)^gamma, p
            the probability given to its true class.
        boundary_rate: share of boundaries among the training examples.
        gamma: of the focal loss.

    Raises:
        UserError: no such loss, or a negative gamma.
    """
    if gamma < 0:
        raise UserError(f"a focal loss with gamma {gamma:g}: take 0 or more")
    if name == "cross-entropy":
        return F.binary_cross_entropy_with_logits
    if name == "balanced":
        return lambda logits, targets: _balanced(logits, targets, boundary_rate)
    if name == "focal":
        return lambda logits, targets: _focal(logits, targets, gamma)
    raise UserError(f"no loss {name!r}: choose from {', '.join(LOSSES)}")


def _balanced(logits: Tensor, targets: Tensor, rate: float) -> Tensor:
    weights = torch.where(targets > 0, 0.5 / rate, 0.5 / (1 - rate))
    return F.binary_cross_entropy_with_logits(logits, targets, weights)


def _focal(logits: Tensor, targets: Tensor, gamma: float) -> Tensor:
    cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return ((1 - torch.exp(-cross_entropy)) ** gamma * cross_entropy).mean()
