"""Probabilities that mean what they say: of those near 0.7, 70% should be boundaries."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

BINS = 10
_HOTTEST = 20.0  # and one twentieth of it the coldest
_SMALLEST, _LARGEST = float(np.finfo(np.float32).tiny), 1 - 2.0**-25  # beyond them: infinity


@dataclass(frozen=True)
class Bin:
    """Candidates whose probabilities lie in one tenth.

    Attributes:
        count: how many.
        probability: their mean.
        observed: share of them that are boundaries.
    """

    count: int
    probability: float
    observed: float


@dataclass(frozen=True)
class Reliability:
    """How far probabilities are from what comes true.

    Attributes:
        expected_error: expected calibration error (Naeini et al. 2015): mean distance between
            probability and share of boundaries, over the bins, weighted by their candidates.
        brier: mean squared distance between probability and label (Brier 1950).
        bins: of equal width from 0 to 1, those that have candidates.
    """

    expected_error: float
    brier: float
    bins: tuple[Bin, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)


def fit_temperature(probabilities: NDArray[np.float32], labels: NDArray[np.bool_]) -> float:
    """Find what the logits must be divided by for the lowest cross-entropy (Guo et al. 2017).

    Args:
        probabilities: (n,) of the candidates of dev.
        labels: (n,) bool.

    Returns:
        Above 1 where the model is too sure of itself; between 0.05 and 20.
    """
    logits = logits_of(probabilities)
    if not logits.any():
        return 1.0
    signs = np.where(labels, -1.0, 1.0)

    def cross_entropy(log_temperature: float) -> float:
        return float(np.logaddexp(0, signs * logits / np.exp(log_temperature)).mean())

    limit = np.log(_HOTTEST)
    found = minimize_scalar(cross_entropy, bounds=(-limit, limit), method="bounded")
    return float(np.exp(found.x))


def calibrate(
    probabilities: NDArray[np.float32] | np.float32, temperature: float
) -> NDArray[np.float32]:
    """Divide the logits of probabilities of any shape by a temperature; 0.5 and the order stay.

    What is no number, for the model's training has diverged, becomes 0.5.
    """
    return np.asarray(expit(logits_of(probabilities) / temperature), dtype=np.float32)


def reliability(probabilities: NDArray[np.float32], labels: NDArray[np.bool_]) -> Reliability:
    """Compare probabilities (n,) of candidates with their labels (n,); no candidates, no errors."""
    if not len(labels):
        return Reliability(0.0, 0.0, ())
    place = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    filled = np.flatnonzero(counts)
    means = np.bincount(place, probabilities, BINS)[filled] / counts[filled]
    shares = np.bincount(place, labels, BINS)[filled] / counts[filled]
    return Reliability(
        expected_error=float((np.abs(means - shares) * counts[filled]).sum() / len(labels)),
        brier=float(((probabilities.astype(np.float64) - labels) ** 2).mean()),
        bins=tuple(
            Bin(int(count), float(mean), float(share))
            for count, mean, share in zip(counts[filled], means, shares, strict=True)
        ),
    )


def logits_of(probabilities: NDArray[np.float32] | np.float32) -> NDArray[np.float64]:
    """Return the finite logits of probabilities of any shape; 0 for what is no number."""
    numbers = np.nan_to_num(np.asarray(probabilities, dtype=np.float64), nan=0.5)
    logits: NDArray[np.float64] = logit(np.clip(numbers, _SMALLEST, _LARGEST))
    return logits
