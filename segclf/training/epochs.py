"""Epochs: the scores of a model on dev after each epoch, and the choice of the best epoch."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus.layout import Layout
from segclf.scoring.calibration import calibrate, fit_temperature
from segclf.scoring.decoding import best_threshold, decode
from segclf.scoring.metrics import is_collapsed, precision_recall_f1

if TYPE_CHECKING:
    from segclf.training.losses import Loss

Decide = Callable[[NDArray[np.float32], NDArray[np.bool_]], tuple[float, float]]
"""A function that chooses a threshold and a temperature; see `fit_decision`."""


@dataclass(frozen=True)
class Epoch:
    """Scores after an epoch. Epoch 0 is the model before training.

    Attributes:
        epoch: Number of the epoch.
        loss: Mean loss over the training candidates; for epoch 0, over the dev candidates.
        precision: Precision on dev at the threshold.
        recall: Recall on dev at the threshold.
        f1: F1 on dev at the threshold.
        threshold: Threshold for probabilities before calibration: the one with the highest F1 on
            dev. If training started from a trained head, the threshold is a compromise between that
            one and the threshold of the trained head; see
            `segclf.training.adaptation.CalibratedHead`.
        seconds: Training time in seconds, without evaluation.
        temperature: Temperature that calibrates the probabilities: the one with the lowest
            cross-entropy on dev. If training started from a trained head, it is a compromise too.
    """

    epoch: int
    loss: float
    precision: float
    recall: float
    f1: float
    threshold: float
    seconds: float
    temperature: float = 1.0

    @property
    def calibrated_threshold(self) -> float:
        """Threshold for calibrated probabilities."""
        return float(calibrate(np.float32(self.threshold), self.temperature))


def check_split(split: str, layout: Layout, *, classes: int = 2) -> None:
    """Raise UserError unless a split has candidates of at least `classes` classes (1 or 2)."""
    labels = layout.labels[layout.is_candidate]
    if not len(layout):
        raise UserError(
            f"the corpus has no {split} split: put texts into a folder named {split}, or embed "
            "the corpus with --split 80/10/10"
        )
    if not len(labels):
        raise UserError(
            f"no document in the {split} split has more than one sentence: embed more text"
        )
    if classes > 1 and not layout.has_both_classes:
        what = "no boundary" if not labels.any() else "a boundary before every sentence"
        raise UserError(
            f"the {split} split has {what} (number of candidates: {len(labels)}): embed more text, "
            "or choose another layout with segtool embed --boundary"
        )


def fit_decision(
    probabilities: NDArray[np.float32], labels: NDArray[np.bool_]
) -> tuple[float, float]:
    """Choose the threshold with the highest F1 and the temperature with the lowest cross-entropy.

    Args:
        probabilities: (c,) float32 probabilities of the dev candidates, before calibration.
        labels: (c,) bool, true boundaries.

    Returns:
        The threshold for probabilities before calibration, and the temperature.
    """
    return best_threshold(probabilities, labels)[0], fit_temperature(probabilities, labels)


def assess_untrained(
    dev: Layout, probabilities: NDArray[np.float32], loss: "Loss", decide: Decide = fit_decision
) -> Epoch:
    """Return epoch 0, which has the scores of a model before training.

    Args:
        dev: Layout of the dev split, with the true boundaries.
        probabilities: (n,) float32 probabilities of the dev sentences before calibration.
        loss: Loss function of the training.
        decide: Function that chooses the threshold and the temperature.
    """
    import torch  # imported here, because it is not needed to read epochs

    # clipped, so that the loss is finite
    logits = torch.logit(torch.from_numpy(probabilities[dev.is_candidate]), eps=1e-7)
    targets = torch.from_numpy(dev.labels[dev.is_candidate].astype(np.float32))
    value = loss(logits, targets)
    return assess(0, float(value), 0.0, dev, probabilities, decide)


def assess(
    number: int,
    loss: float,
    seconds: float,
    dev: Layout,
    probabilities: NDArray[np.float32],
    decide: Decide = fit_decision,
) -> Epoch:
    """Score the predictions for the dev split after an epoch.

    Args:
        number: Number of the epoch.
        loss: Mean loss of the epoch.
        seconds: Training time of the epoch in seconds.
        dev: Layout of the dev split, with the true boundaries.
        probabilities: (n,) float32 probabilities of the dev sentences before calibration.
        decide: Function that chooses the threshold and the temperature.

    Returns:
        The epoch, with the scores at the chosen threshold.

    Raises:
        UserError: The loss or a probability of a candidate is not finite.
    """
    candidates = probabilities[dev.is_candidate], dev.labels[dev.is_candidate]
    # the weights may have become infinite in the last step, after the losses were computed
    check_finite(loss if np.isfinite(candidates[0]).all() else math.nan, number)
    threshold, temperature = decide(*candidates)
    scores = precision_recall_f1(dev, decode(dev, probabilities, threshold))
    return Epoch(number, loss, *scores, threshold, seconds, temperature)


def check_finite(loss: float, number: int) -> None:
    """Raise UserError if the mean loss of an epoch is NaN or infinite."""
    if not math.isfinite(loss):
        raise UserError(f"the loss is {loss} in epoch {number}: use a lower --learning-rate")


def is_better(epoch: Epoch, best: Epoch, *, from_trained_head: bool = False) -> bool:
    """Return whether an epoch is better than the best epoch so far.

    It is better if its F1 is higher. Every epoch is better than epoch 0, unless training started
    from a trained head.
    """
    return epoch.f1 > best.f1 or (best.epoch == 0 and not from_trained_head)


def has_collapsed(dev: Layout, probabilities: NDArray[np.float32], threshold: float) -> bool:
    """Return whether the predictions at a threshold are the same for all candidates.

    Args:
        dev: Layout of the dev split.
        probabilities: (n,) float32 probabilities of the dev sentences before calibration.
        threshold: Threshold for these probabilities.
    """
    return is_collapsed(dev, decode(dev, probabilities, threshold))
