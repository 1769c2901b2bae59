"""Epochs: the scores of a model on dev after each epoch, and which epoch is best."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus.layout import Layout
from segclf.scoring.calibration import fit_temperature
from segclf.scoring.decoding import best_threshold, decode
from segclf.scoring.metrics import is_collapsed, precision_recall_f1
from segclf.training.losses import Loss


@dataclass(frozen=True)
class Epoch:
    """What an epoch gave; epoch 0 is before training.

    Attributes:
        epoch: its number.
        loss: mean over the epoch's candidates; of epoch 0, over dev's.
        precision: on dev, at the threshold.
        recall: on dev.
        f1: on dev.
        threshold: the best on dev.
        seconds: of training alone.
        temperature: Temperature of the dev probabilities, see
            `segclf.scoring.calibration.fit_temperature`. The threshold is for probabilities before
            they are divided by it.
    """

    epoch: int
    loss: float
    precision: float
    recall: float
    f1: float
    threshold: float
    seconds: float
    temperature: float = 1.0


def check_split(split: str, layout: Layout) -> None:
    """Raise UserError for a split in which there is nothing to tell apart."""
    labels = layout.labels[layout.is_candidate]
    if not len(layout):
        raise UserError(
            f"the corpus has no {split} split: put texts into a folder {split}, or embed it with "
            "--split 80/10/10"
        )
    if not len(labels):
        raise UserError(f"no document of the {split} split has two sentences: embed more text")
    if not labels.any() or labels.all():
        what = "no boundary" if not labels.any() else "a boundary before every sentence"
        raise UserError(
            f"the {split} split has {what} ({len(labels)} candidates): embed more text, or "
            "name its layout with segtool embed --boundary"
        )


def assess_untrained(dev: Layout, probabilities: NDArray[np.float32], loss: Loss) -> Epoch:
    """Make epoch 0 of what an untrained model says (n,) of dev."""
    # clipped, so that the loss is finite
    logits = torch.logit(torch.from_numpy(probabilities[dev.is_candidate]), eps=1e-7)
    targets = torch.from_numpy(dev.labels[dev.is_candidate].astype(np.float32))
    value = loss(logits, targets)
    return assess(0, float(value), 0.0, dev, probabilities)


def assess(
    number: int, loss: float, seconds: float, dev: Layout, probabilities: NDArray[np.float32]
) -> Epoch:
    """Make an epoch of what the model says (n,) of dev after it, at the best threshold."""
    candidates = probabilities[dev.is_candidate], dev.labels[dev.is_candidate]
    threshold, _ = best_threshold(*candidates)
    scores = precision_recall_f1(dev, decode(dev, probabilities, threshold))
    temperature = fit_temperature(*candidates)
    return Epoch(number, loss, *scores, threshold, seconds, temperature)


def is_better(epoch: Epoch, best: Epoch) -> bool:
    """Say whether an epoch takes the place of the best before it; any does that of epoch 0."""
    return epoch.f1 > best.f1 or best.epoch == 0


def has_collapsed(dev: Layout, probabilities: NDArray[np.float32], threshold: float) -> bool:
    """Say whether a model decides the same before every sentence."""
    return is_collapsed(dev, decode(dev, probabilities, threshold))
