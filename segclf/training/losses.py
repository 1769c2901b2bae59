"""Losses for rare boundaries: functions of logits (b,) and targets (b,) of 0 and 1."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from segclf.training.options import LossName

Loss = Callable[[Tensor, Tensor], Tensor]


def make_loss(name: LossName, boundary_rate: float, gamma: float) -> Loss:
    """Make a loss.

    Args:
        name: "cross-entropy"; "balanced", which weights each class by its inverse frequency (mean
            weight 1); or "focal" (Lin et al. 2017, "Focal Loss for Dense Object Detection"), which
            weights an example by (1 - p)^gamma, where p is the probability of its true class.
        boundary_rate: Share of boundaries among the training candidates.
        gamma: Exponent of the focal loss.

    Returns:
        Function that computes the mean loss () of logits (b,), given targets (b,).
    """
    if name == "cross-entropy":
        return F.binary_cross_entropy_with_logits
    if name == "balanced":
        return lambda logits, targets: _balanced(logits, targets, boundary_rate)
    return lambda logits, targets: _focal(logits, targets, gamma)


def _balanced(logits: Tensor, targets: Tensor, rate: float) -> Tensor:
    weights = torch.where(targets > 0, 0.5 / rate, 0.5 / (1 - rate))
    return F.binary_cross_entropy_with_logits(logits, targets, weights)


def _focal(logits: Tensor, targets: Tensor, gamma: float) -> Tensor:
    signed = torch.where(targets > 0, logits, -logits)  # logits of the true class
    cross_entropy = -F.logsigmoid(signed)
    # computed from log(1 - p), because (1 - p) ** gamma has an infinite gradient if p rounds to 1
    return (torch.exp(gamma * F.logsigmoid(-signed)) * cross_entropy).mean()
