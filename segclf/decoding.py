"""Probabilities -> boundaries."""

import numpy as np
from numpy.typing import NDArray


def best_threshold(
    probabilities: NDArray[np.float32], labels: NDArray[np.bool_]
) -> tuple[float, float]:
    """Find the threshold with the highest F1.

    Args:
        probabilities: (n,) of the candidates.
        labels: (n,) bool.

    Returns:
        The threshold, half-way between the two probabilities that it parts, and its F1. With no
        boundary among the labels: 0.5 and 0.
    """
    if not labels.any():
        return 0.5, 0.0
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order]
    hits = np.cumsum(labels[order])
    f1 = 2 * hits / (np.arange(1, len(labels) + 1) + hits[-1])
    last_of_its_value = np.append(ranked[1:] != ranked[:-1], True)
    best = int(np.argmax(np.where(last_of_its_value, f1, -1)))
    below = float(ranked[best + 1]) if best + 1 < len(ranked) else 0.0
    return (float(ranked[best]) + below) / 2, float(f1[best])


def decode(
    probabilities: NDArray[np.float32], threshold: float, offsets: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Begin a paragraph where the probability reaches the threshold, and with every document.

    Args:
        probabilities: (n,).
        threshold: from dev.
        offsets: (m + 1,) where documents begin.

    Returns:
        (n,) bool boundaries.
    """
    boundaries = probabilities >= threshold
    boundaries[offsets[:-1][np.diff(offsets) > 0]] = True
    return boundaries


def most_probable(probabilities: NDArray[np.float32], paragraphs: int) -> NDArray[np.bool_]:
    """Begin a wanted number of paragraphs in one document, where they are most probable.

    Args:
        probabilities: (n,).
        paragraphs: how many, 1 to n; of equal probabilities the earlier counts.

    Returns:
        (n,) bool boundaries, the first sentence among them.
    """
    boundaries = np.zeros(len(probabilities), dtype=np.bool_)
    boundaries[1 + np.argsort(-probabilities[1:], kind="stable")[: paragraphs - 1]] = True
    boundaries[0] = True
    return boundaries
