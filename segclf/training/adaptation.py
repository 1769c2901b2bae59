"""Adaptation: training that starts from a trained head, on a few pages of text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from embedcache import UserError
from segclf.heads.base import BaseHead
from segclf.scoring.calibration import logits_of
from segclf.training.epochs import fit_decision
from segclf.training.options import TrainingOptions

PRIOR_WEIGHT = 20
"""Weight of the threshold and the temperature of the trained head, as a number of examples of the
rarer class."""

LEARNING_RATE = 3e-4
"""Default maximum learning rate. The default of `TrainingOptions` is too high for a small amount of
text."""

_ARCHITECTURE = ("head", "window", "reach")
_KEPT = (*_ARCHITECTURE, "crop", "loss", "gamma", "boundary_type")


@dataclass(frozen=True)
class CalibratedHead:
    """A trained head with its threshold and its temperature.

    Attributes:
        head: Trained head. It is not changed.
        threshold: Threshold for the calibrated probabilities of the head.
        temperature: Temperature with which the probabilities are calibrated.
    """

    head: BaseHead
    threshold: float
    temperature: float

    def decide(
        self, probabilities: NDArray[np.float32], labels: NDArray[np.bool_]
    ) -> tuple[float, float]:
        """Choose a threshold and a temperature, given the dev split and those of this head.

        A few pages are too little text to determine a threshold. The result is therefore a weighted
        mean of the threshold and temperature of this head and those that
        `segclf.training.epochs.fit_decision` finds on dev. The mean is taken over the logits of the
        thresholds for uncalibrated probabilities, and over the logarithms of the temperatures. The
        weight of dev is m / (m + PRIOR_WEIGHT), where m is the number of boundaries or of other
        candidates in dev, whichever is smaller. If dev lacks one of the classes, m is 0 and the
        result is the threshold and temperature of this head.

        Args:
            probabilities: (c,) float32 uncalibrated probabilities of the dev candidates.
            labels: (c,) bool, true boundaries.

        Returns:
            The threshold for uncalibrated probabilities, and the temperature.
        """
        rarer = min(int(labels.sum()), int((~labels).sum()))
        weight = rarer / (rarer + PRIOR_WEIGHT)
        threshold, temperature = fit_decision(probabilities, labels)
        dev_logit = float(logits_of(np.float32(threshold)))
        start_logit = float(logits_of(np.float32(self.threshold))) * self.temperature
        return (
            float(expit(weight * dev_logit + (1 - weight) * start_logit)),
            float(temperature**weight * self.temperature ** (1 - weight)),
        )


def adaptation_options(source: TrainingOptions, given: Mapping[str, Any]) -> TrainingOptions:
    """Return the options for training that starts from a trained head.

    Args:
        source: Options with which the head was trained. The architecture, the crop, the loss, gamma
            and the type of boundary are taken from them unless `given` contains them.
        given: Options that are set explicitly, by name. If the loss is given without gamma, gamma
            has its default. The learning rate defaults to `LEARNING_RATE`. The remaining options
            have the defaults of `TrainingOptions`.

    Raises:
        UserError: A given option differs from the architecture of the head, has the wrong type, is
            out of range or has no effect.
    """
    check_architecture(source, given)
    kept = {name: getattr(source, name) for name in _KEPT} | {"learning_rate": LEARNING_RATE}
    if "loss" in given:
        kept["gamma"] = TrainingOptions.gamma
    return TrainingOptions(**{**kept, **given})


def check_architecture(source: TrainingOptions, given: Mapping[str, Any]) -> None:
    """Raise UserError if a given option differs from the architecture of a trained head."""
    for name in _ARCHITECTURE:
        trained = getattr(source, name)
        if name in given and given[name] != trained:
            fact = f"no {name}" if trained is None else f"{name} {trained}, not {given[name]}"
            raise UserError(f"the trained model has {fact}: leave out the option {name}")
