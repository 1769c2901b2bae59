"""textsplit: the optimal segmentation of a sequence of vectors (Alemi and Ginsparg 2015)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from textsplit.algorithm import split_optimal

from reports.peers.works import Work

_MAX_LENGTH = 60  # of a segment, in sentences, to limit the time
GRID: list[dict[str, Any]] = [
    {"penalty": penalty, "centered": centered}
    for centered in (False, True)
    for penalty in (0.02, 0.1, 0.25, 0.5, 0.8)
]


def segment(work: Work, *, penalty: float, centered: bool) -> NDArray[np.bool_]:
    """Segment a work.

    Args:
        work: Work of n sentences.
        penalty: Cost of a boundary.
        centered: Whether to subtract the mean vector of the work, and to scale the differences to
            unit length.
    """
    vectors = work.vectors - work.vectors.mean(axis=0) if centered else work.vectors
    if centered:
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    splits = split_optimal(vectors, penalty, seg_limit=_MAX_LENGTH).splits
    return work.boundaries_from_lengths(np.diff([0, *splits, len(vectors)]).tolist())
