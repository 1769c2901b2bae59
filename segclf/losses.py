"""Losses for rare boundaries: (b,) logits and (b,) targets of 0 and 1 -> a number."""

import math
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
        UserError: no such loss, or a gamma that is negative, infinite or no number.
    """
    if not 0 <= gamma < math.inf:
        raise UserError(f"a focal loss with gamma {gamma:g}: take 0 or more")
    if name == "cross-entropy":
        return F.binary_cross_entropy_with_logits
    if name == "balanced":
        return lambda logits, targets: _balanced(logits, targets, boundary_rate)
    if name == "focal":
        return lambda logits, targets: _focal(logits, targets, gamma)
    raise UserError(f"no loss {name!r}: choose from {', '.join(LOSSES)}")


def check_finite(value: float, epoch: int) -> None:
    """Raise UserError for a loss that is no number any more: no later step mends that."""
    if not math.isfinite(value):
        raise UserError(f"the loss is {value} in epoch {epoch}: take a lower --learning-rate")


def _balanced(logits: Tensor, targets: Tensor, rate: float) -> Tensor:
    weights = torch.where(targets > 0, 0.5 / rate, 0.5 / (1 - rate))
    return F.binary_cross_entropy_with_logits(logits, targets, weights)


def _focal(logits: Tensor, targets: Tensor, gamma: float) -> Tensor:
    signed = torch.where(targets > 0, logits, -logits)  # that of the true class
    cross_entropy = -F.logsigmoid(signed)
    # the gradient of (1 - p) ** gamma is infinite where p rounds to 1, that of its logarithm is not
    return (torch.exp(gamma * F.logsigmoid(-signed)) * cross_entropy).mean()
