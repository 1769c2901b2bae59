"""Prediction with the head `mlp` in NumPy, because torch takes seconds to import."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segclf.inputs.examples import Examples
from segclf.inputs.windows import OUTSIDE, windows_of

Array = NDArray[np.float32]
_BATCH = 1024  # sentences at a time; does not affect results


@dataclass(frozen=True)
class NumpyMLP:
    """The head of `segclf.heads.mlp`, for prediction only.

    Its probabilities differ from those of torch by less than 1e-5.

    Attributes:
        weights: Weights by their names in the torch module.
        window: Number of sentences on each side of a candidate.
        clip_sigma: Number of standard deviations from the mean at which features are clipped; None
            for no clipping.
    """

    weights: dict[str, Array]
    window: int
    clip_sigma: float | None

    def fits(self, dim: int) -> bool:
        """Return whether the weights are those of this head for vectors of length `dim`."""
        hidden, layer = (len(self.weights.get(name, [])) for name in ("outside", "classify.0.bias"))
        expected = {
            "mean": (dim,),
            "scale": (dim,),
            "outside": (hidden,),
            "project.0.weight": (hidden, dim),
            "project.0.bias": (hidden,),
            "classify.0.weight": (layer, (2 * self.window + 2) * hidden),
            "classify.0.bias": (layer,),
            "classify.3.weight": (1, layer),
            "classify.3.bias": (1,),
        }
        return {name: array.shape for name, array in self.weights.items()} == expected

    def predict(self, examples: Examples) -> Array:
        """Predict a probability for each sentence; see `segclf.heads.base.BaseHead.predict`."""
        n = len(examples.layout)
        parts = [np.zeros(0, dtype=np.float32)]
        for start in range(0, n, _BATCH):
            stop = min(start + _BATCH, n)
            first, last = max(start - self.window, 0), min(stop + self.window, n)
            rows = np.concatenate(
                [self._project(examples.vectors[first:last]), self.weights["outside"][None]]
            )
            windows = windows_of(examples.layout, self.window, start, stop)
            parts.append(self._classify(rows[np.where(windows == OUTSIDE, -1, windows - first)]))
        return np.concatenate(parts)

    def _project(self, vectors: Array) -> Array:
        """Standardize and project vectors, (s, d) to (s, h)."""
        standardized = (vectors - self.weights["mean"]) * self.weights["scale"]
        if self.clip_sigma is not None:
            standardized = standardized.clip(-self.clip_sigma, self.clip_sigma)
        return _gelu(self._linear("project.0", standardized))

    def _classify(self, gathered: Array) -> Array:
        """Return the probabilities (b,) of windows of projected sentences (b, 2w, h)."""
        left, right = gathered[:, self.window - 1], gathered[:, self.window]
        inputs = [gathered.reshape(len(gathered), -1), left * right, np.abs(left - right)]
        hidden = _gelu(self._linear("classify.0", np.concatenate(inputs, axis=1)))
        logits = self._linear("classify.3", hidden)[:, 0]
        with np.errstate(over="ignore"):  # exp(large) is infinity, and the probability 0
            probabilities = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return probabilities

    def _linear(self, name: str, inputs: Array) -> Array:
        outputs: Array = inputs @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return outputs


def _gelu(x: Array) -> Array:
    """Return x times the standard normal distribution function of x (Hendrycks and Gimpel 2016).

    The error function is computed by formula 7.1.26 of Abramowitz and Stegun (1964), whose error is
    at most 1.5e-7, about the rounding error of float32.
    """
    z = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    tail = np.zeros_like(t)
    for coefficient in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail = (tail + np.float32(coefficient)) * t
    erf = np.copysign(1 - tail * np.exp(-z * z), x)
    result: Array = x * (1 + erf) / 2
    return result
