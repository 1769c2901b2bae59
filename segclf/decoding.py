"""Probabilities -> boundaries."""

from collections import deque
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segclf.calibration import logits_of


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


def decode_within(
    probabilities: NDArray[np.float32],
    threshold: float,
    offsets: NDArray[np.int64],
    *,
    min_length: int = 1,
    max_length: int | None = None,
) -> NDArray[np.bool_]:
    """Begin paragraphs of allowed lengths, where they are most probable beside the threshold.

    Without limits that is what `decode` returns. Of all segmentations whose lengths are allowed, it
    is the one with the largest sum of logit(probability) - logit(threshold) over its boundaries,
    found by dynamic programming in O(n).

    Args:
        probabilities: (n,).
        threshold: from dev.
        offsets: (m + 1,) where documents begin.
        min_length: fewest sentences of a paragraph, at least 1; the last of a document may have
            fewer.
        max_length: most of them, at least `min_length`; None for no limit.

    Returns:
        (n,) bool boundaries.
    """
    if min_length == 1 and max_length is None:
        return decode(probabilities, threshold, offsets)
    gains = logits_of(probabilities) - logits_of(np.float32(threshold))
    boundaries = np.zeros(len(probabilities), dtype=np.bool_)
    for start, stop in pairwise(offsets.tolist()):
        chosen = _best_begins(gains[start:stop].tolist(), min_length, max_length or stop - start)
        boundaries[[start + begin for begin in chosen]] = True
    return boundaries


def _best_begins(gains: list[float], min_length: int, max_length: int) -> list[int]:
    """Return where the paragraphs of one document begin in the best segmentation.

    best[i] is the largest sum over the boundaries up to i, one of them at i. The paragraph before i
    begins in a window that slides with i, whose maximum stands at the head of a queue.
    """
    n = len(gains)
    best = [0.0, *([-np.inf] * (n - 1))] if n else []
    before = [-1] * n
    queue: deque[int] = deque()
    for i in range(min_length, n):
        while queue and best[queue[-1]] < best[i - min_length]:
            queue.pop()
        queue.append(i - min_length)
        if queue[0] < i - max_length:
            queue.popleft()
        before[i] = queue[0]
        best[i] = best[queue[0]] + gains[i]
    if not n:
        return []
    last = max(range(max(n - max_length, 0), n), key=best.__getitem__)
    begins = []
    while last >= 0:
        begins.append(last)
        last = before[last]
    return begins
