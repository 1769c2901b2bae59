"""Calibration: of the candidates with a probability of 0.7, 70% should be boundaries."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10
_MAX_TEMPERATURE = 20.0  # the minimum temperature is 1 / 20
# probabilities are clipped to these limits, so that their logits are finite; the upper limit lies
# between the largest float32 below 1 and 1, so that 1 keeps the largest logit
_LOWEST, _HIGHEST = float(np.finfo(np.float32).tiny), 1 - 2.0**-25


@dataclass(frozen=True)
class Bin:
    """Candidates whose probabilities lie in one tenth of the range from 0 to 1.

    Attributes:
        count: Number of candidates.
        probability: Mean probability of the candidates.
        observed: Share of the candidates that are boundaries.
    """

    count: int
    probability: float
    observed: float


@dataclass(frozen=True)
class Reliability:
    """Agreement between probabilities and labels.

    Attributes:
        expected_error: Expected calibration error (Naeini, Cooper and Hauskrecht 2015, "Obtaining
            Well Calibrated Probabilities Using Bayesian Binning"): mean absolute difference between
            the mean probability and the share of boundaries in a bin, weighted by the number of
            candidates in the bin.
        brier: Brier score: mean squared difference between probability and label (Brier 1950,
            "Verification of Forecasts Expressed in Terms of Probability").
        bins: The non-empty bins of equal width, in order of probability.
    """

    expected_error: float
    brier: float
    bins: tuple[Bin, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes by name; each bin is a dictionary of its attributes."""
        return asdict(self)


def fit_temperature(probabilities: NDArray[np.float32], labels: NDArray[np.bool_]) -> float:
    """Find the temperature with the lowest cross-entropy.

    The method is temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks").

    Args:
        probabilities: (c,) float32 probabilities of the dev candidates.
        labels: (c,) bool, true boundaries.

    Returns:
        A temperature from 0.05 to 20, above 1 if the model is overconfident; 1 if there are no
        probabilities other than 0.5.
    """
    # imported here, because the import takes half a second and prediction does not need it
    from scipy.optimize import minimize_scalar

    logits = logits_of(probabilities)
    if not logits.any():
        return 1.0
    signs = np.where(labels, -1.0, 1.0)

    def cross_entropy(log_temperature: float) -> float:
        return float(np.logaddexp(0, signs * logits / np.exp(log_temperature)).mean())

    limit = np.log(_MAX_TEMPERATURE)
    found = minimize_scalar(cross_entropy, bounds=(-limit, limit), method="bounded")
    return float(np.exp(found.x))


def calibrate(
    probabilities: NDArray[np.float32] | np.float32, temperature: float
) -> NDArray[np.float32]:
    """Calibrate probabilities: divide their logits by a temperature.

    The order of two probabilities is not reversed, and 0.5 remains 0.5. NaN, which a diverged model
    predicts, becomes 0.5.

    Args:
        probabilities: float32 array of any shape, or a number.
        temperature: See `fit_temperature`.

    Returns:
        Calibrated probabilities, a float32 array of the same shape.
    """
    with np.errstate(over="ignore"):  # exp(large) is infinity, and the probability 0
        calibrated = 1 / (1 + np.exp(-logits_of(probabilities) / temperature))
    return np.asarray(calibrated, dtype=np.float32)


def reliability(probabilities: NDArray[np.float32], labels: NDArray[np.bool_]) -> Reliability:
    """Compare the probabilities of candidates with their labels.

    Args:
        probabilities: (c,) float32 probabilities of the candidates.
        labels: (c,) bool, true boundaries.

    Returns:
        The expected calibration error, the Brier score and the bins. Without candidates, the scores
        are 0, and there are no bins.
    """
    if not len(labels):
        return Reliability(0.0, 0.0, ())
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    filled = np.flatnonzero(counts)
    means = np.bincount(bins, probabilities, BINS)[filled] / counts[filled]
    shares = np.bincount(bins, labels, BINS)[filled] / counts[filled]
    return Reliability(
        expected_error=float((np.abs(means - shares) * counts[filled]).sum() / len(labels)),
        brier=float(((probabilities.astype(np.float64) - labels) ** 2).mean()),
        bins=tuple(
            Bin(int(count), float(mean), float(share))
            for count, mean, share in zip(counts[filled], means, shares, strict=True)
        ),
    )


def logits_of(probabilities: NDArray[np.float32] | np.float32) -> NDArray[np.float64]:
    """Return the logits of probabilities of any shape.

    The probabilities are clipped, so that the logits of 0 and 1 are finite. The logit of NaN is 0.
    """
    numbers = np.nan_to_num(np.asarray(probabilities, dtype=np.float64), nan=0.5)
    clipped = np.clip(numbers, _LOWEST, _HIGHEST)
    logits: NDArray[np.float64] = np.log(clipped) - np.log1p(-clipped)
    return logits
