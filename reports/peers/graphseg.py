"""GraphSeg (Glavaš, Nanni and Ponzetto 2016), with cosines of sentence vectors as similarity.

GraphSeg links similar sentences and merges adjacent segments that share a maximal clique of this
graph. Two sentences belong to a common maximal clique if and only if they are linked, so the
cliques need not be listed.
"""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.peers.works import Work

GRID: list[dict[str, Any]] = [
    {"threshold": round(threshold, 2), "minimum": minimum}
    for threshold, minimum in product(np.arange(0.4, 0.97, 0.04).tolist(), (1, 2, 3, 5))
]


def segment(work: Work, *, threshold: float, minimum: int) -> NDArray[np.bool_]:
    """Segment a work.

    Args:
        work: Work of n sentences.
        threshold: Minimum cosine of two sentences that are linked.
        minimum: Minimum number of sentences in a segment.
    """
    vectors = work.vectors
    linked = np.sum(vectors[:-1] * vectors[1:], axis=1) >= threshold
    bounds = [0, *(np.flatnonzero(~linked) + 1).tolist(), len(vectors)]
    bounds = _merge_linked(vectors, bounds, threshold)
    bounds = _merge_small(vectors, bounds, minimum)
    return work.boundaries_from_lengths(np.diff(bounds).tolist())


def _merge_linked(vectors: NDArray[np.float32], bounds: list[int], threshold: float) -> list[int]:
    """Merge adjacent segments if a sentence of one is linked to a sentence of the other."""
    kept = [
        cut
        for start, cut, stop in zip(bounds, bounds[1:], bounds[2:], strict=False)
        if (vectors[start:cut] @ vectors[cut:stop].T).max() < threshold
    ]
    return [0, *kept, bounds[-1]]


def _merge_small(vectors: NDArray[np.float32], bounds: list[int], minimum: int) -> list[int]:
    """Merge each segment that is too short with the more similar of its neighbours."""
    done = [0]
    rest = bounds[1:]
    while len(rest) > 1:
        start, cut, stop = done[-1], rest[0], rest[1]
        if cut - start >= minimum:
            done.append(rest.pop(0))
        elif len(done) > 1 and _mean_cosine(vectors, done[-2], start, cut) > _mean_cosine(
            vectors, start, cut, stop
        ):
            done.pop()
        else:
            rest.pop(0)
    if len(done) > 1 and rest[0] - done[-1] < minimum:
        done.pop()
    return [*done, rest[0]]


def _mean_cosine(vectors: NDArray[np.float32], start: int, cut: int, stop: int) -> float:
    return float(vectors[start:cut].mean(axis=0) @ vectors[cut:stop].mean(axis=0))
