"""Decoding: from probabilities to boundaries.

Every decoder returns an array (n,) of bool: whether each sentence begins a paragraph. The first
sentence of a document always does.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from segclf.corpus.layout import Layout
from segclf.scoring.calibration import logits_of

_PREFERENCE = 1e-9
"""Gain of a boundary whose probability equals the threshold. It is smaller than the difference
between any two different logits of float32 probabilities."""


def best_threshold(
    probabilities: NDArray[np.float32], labels: NDArray[np.bool_]
) -> tuple[float, float]:
    """Find the threshold with the highest F1.

    Args:
        probabilities: (c,) float32 probabilities of the candidates.
        labels: (c,) bool, true boundaries.

    Returns:
        The threshold and its F1; 0.5 and 0.0 if no label is True. The threshold is halfway between
        the lowest probability that it accepts and the next lower one, or 0 if there is none. If
        this rounds to the lower one in float32, the threshold is the lowest accepted probability.
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
    threshold = (float(ranked[best]) + below) / 2
    if np.float32(threshold) <= below:  # probabilities are compared with it in float32
        threshold = float(ranked[best])
    return threshold, float(f1[best])


def decode(
    layout: Layout, probabilities: NDArray[np.float32], threshold: float
) -> NDArray[np.bool_]:
    """Place a boundary wherever the probability reaches the threshold.

    Args:
        layout: Layout of the documents; its labels are not used.
        probabilities: (n,) float32.
        threshold: Minimum probability at which a boundary is placed.
    """
    return layout.mark_document_starts(probabilities >= threshold)


def most_probable(
    layout: Layout, probabilities: NDArray[np.float32], paragraphs: int
) -> NDArray[np.bool_]:
    """Divide the documents into a given number of paragraphs, at the most probable boundaries.

    Args:
        layout: Layout of the documents; its labels are not used.
        probabilities: (n,) float32. If probabilities are equal, the earlier sentence is preferred.
        paragraphs: Number of paragraphs in all documents together: at least the number of
            non-empty documents, at most n.
    """
    boundaries = ~layout.is_candidate
    candidates = np.flatnonzero(layout.is_candidate)
    ranked = candidates[np.argsort(-probabilities[candidates], kind="stable")]
    boundaries[ranked[: paragraphs - np.count_nonzero(boundaries)]] = True
    return boundaries


def decode_within(
    layout: Layout,
    probabilities: NDArray[np.float32],
    threshold: float,
    *,
    min_length: int = 1,
    max_length: int | None = None,
) -> NDArray[np.bool_]:
    """Return the best segmentation in which all paragraphs have an allowed length.

    The best segmentation is the one with the largest sum of logit(probability) - logit(threshold)
    over its boundaries; among equal sums, the one with more boundaries. It is found by dynamic
    programming in O(n). Without limits on the length, the result is that of `decode`.

    Args:
        layout: Layout of the documents; its labels are not used.
        probabilities: (n,) float32.
        threshold: Probability at which a boundary does not change the sum. Such a boundary is
            preferred to no boundary.
        min_length: Minimum number of sentences in a paragraph, at least 1. The last paragraph of a
            document may be shorter.
        max_length: Maximum number of sentences in a paragraph, at least `min_length`; None for no
            limit.
    """
    if min_length == 1 and max_length is None:
        return decode(layout, probabilities, threshold)
    gains = logits_of(probabilities) - logits_of(np.float32(threshold)) + _PREFERENCE
    boundaries = np.zeros(len(probabilities), dtype=np.bool_)
    for start, stop in layout.documents:
        starts = _best_starts(gains[start:stop].tolist(), min_length, max_length or stop - start)
        boundaries[[start + position for position in starts]] = True
    return boundaries


def _best_starts(gains: list[float], min_length: int, max_length: int) -> list[int]:
    """Return the first sentences of the paragraphs in the best segmentation of one document.

    best[i] is the largest sum of gains over the boundaries up to and including one at i. The
    previous boundary lies in a window that slides with i. The first element of a queue is the
    position of the maximum in the window.
    """
    n = len(gains)
    if not n:
        return []
    best = [0.0, *([-np.inf] * (n - 1))]
    previous = [-1] * n
    queue: deque[int] = deque()
    for i in range(min_length, n):
        while queue and best[queue[-1]] < best[i - min_length]:
            queue.pop()
        queue.append(i - min_length)
        if queue[0] < i - max_length:
            queue.popleft()
        previous[i] = queue[0]
        best[i] = best[queue[0]] + gains[i]
    last = max(range(max(n - max_length, 0), n), key=best.__getitem__)
    starts = []
    while last >= 0:
        starts.append(last)
        last = previous[last]
    return starts
