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

PRIOR = 20
"""Weight of the threshold and the temperature of the trained head, as a number of examples of the
rarer class."""

LEARNING_RATE = 3e-4
"""Default of the maximum learning rate. That of `TrainingOptions` is too high for little text."""

_ARCHITECTURE = ("head", "window", "reach")
_KEPT = (*_ARCHITECTURE, "crop", "loss", "gamma", "boundary_type")


@dataclass(frozen=True)
class Start:
    """A trained head from which training starts.

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
        """Choose the threshold and the temperature from dev and from the values of this head.

        A few pages cannot determine a threshold. The result is therefore a weighted mean of the
        values of this head and those that `segclf.training.epochs.fit_decision` finds on dev. The
        mean is taken over the logits of the thresholds before calibration, and over the logarithms
        of the temperatures. The weight of dev is m / (m + PRIOR), where m is the number of
        boundaries or of other candidates in dev, whichever is smaller. If dev lacks one of the
        classes, m is 0 and the values are those of this head.

        Args:
            probabilities: (c,) float32 probabilities of the dev candidates, before calibration.
            labels: (c,) bool, true boundaries.

        Returns:
            The threshold for probabilities before calibration, and the temperature.
        """
        rarer = min(int(labels.sum()), int((~labels).sum()))
        weight = rarer / (rarer + PRIOR)
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
        source: Options with which the head was trained. The architecture, the crop, the loss and
            the type of boundary are taken from them.
        given: Options by name that are set explicitly. All other options have their defaults, but
            that of the learning rate is `LEARNING_RATE`. If the loss is given, gamma is not taken
            from `source`.

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
            fact = f"no {name}" if trained is None else f"the {name} {trained}, not {given[name]}"
            raise UserError(f"the trained model has {fact}: leave out the {name}")
