"""TextTiling (Hearst 1997) on given sentences.

A gap between two sentences is a boundary if the words before and after it differ more than those
before and after the neighbouring gaps. NLTK's implementation is not used: it drops every letter
except a to z, and its time is quadratic in the length of a text.
"""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.sparse import csr_array

from reports.peers.works import Work

GRID: list[dict[str, Any]] = [
    {
        "block": block,
        "smoothing": smoothing,
        "cutoff": cutoff,
        "distance": distance,
        "stop_words": stop_words,
    }
    for block, smoothing, cutoff, distance, stop_words in product(
        (1, 3, 8), (1, 3), (-1.0, -0.5, 0.0, 0.5, 1.0), (1, 3), (0, 50)
    )
]


def segment(
    work: Work, *, block: int, smoothing: int, cutoff: float, distance: int, stop_words: int
) -> NDArray[np.bool_]:
    """Segment a work.

    Args:
        work: Work of n sentences.
        block: Number of sentences on each side of a gap whose words are compared.
        smoothing: Number of neighbouring similarities that are averaged.
        cutoff: Minimum depth of a boundary, in standard deviations above the mean depth.
        distance: Minimum number of sentences in a segment, except the last one.
        stop_words: Number of the most frequent words of the work that are ignored.

    Returns:
        (n,) bool: whether each sentence begins a segment.
    """
    similarity = uniform_filter1d(_similarities(work, block, stop_words), smoothing, mode="nearest")
    depth = _depths(similarity)
    marks = np.zeros(len(work.sentences), dtype=np.bool_)
    marks[0] = True
    minimum = depth.mean() + cutoff * depth.std()
    for gap in np.argsort(-depth, kind="stable"):
        if depth[gap] < minimum:
            break
        first = int(gap) + 1  # the sentence after the gap
        if not marks[max(first - distance + 1, 0) : first + distance].any():
            marks[first] = True
    return marks


def _similarities(work: Work, block: int, stop_words: int) -> NDArray[np.float64]:
    """Return the cosine similarities (n - 1,) of the word counts before and after each gap."""
    ignored = work.frequent_words(stop_words)
    columns: dict[str, int] = {}
    rows, cols = [], []
    for row, words in enumerate(work.words):
        for word in words:
            if word not in ignored:
                rows.append(row)
                cols.append(columns.setdefault(word, len(columns)))
    n = len(work.sentences)
    counts = csr_array((np.ones(len(rows)), (rows, cols)), shape=(n, max(len(columns), 1)))
    offsets = np.arange(n - 1)[:, None]
    before = _window_sums(counts, np.maximum(offsets - block + 1, 0), offsets + 1)
    after = _window_sums(counts, offsets + 1, np.minimum(offsets + 1 + block, n))
    dot_products = before.multiply(after).sum(axis=1)
    norms = np.sqrt(before.multiply(before).sum(axis=1) * after.multiply(after).sum(axis=1))
    similarity: NDArray[np.float64] = dot_products / np.maximum(norms, 1e-9)
    return similarity


def _window_sums(
    counts: csr_array, starts: NDArray[np.int64], stops: NDArray[np.int64]
) -> csr_array:
    """Return the sum of the rows from start up to, but not including, stop for each window."""
    lengths = (stops - starts).ravel()
    picked = np.concatenate([np.arange(a, b) for a, b in zip(starts.flat, stops.flat, strict=True)])
    shape = (len(lengths), counts.shape[0])
    windows = csr_array(
        (np.ones(len(picked)), picked, np.append(0, np.cumsum(lengths))), shape=shape
    )
    return csr_array(windows @ counts)


def _depths(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the depth score of each gap, (n - 1,): the sum of the rises to the peaks beside it."""
    return _rises(similarity) + _rises(similarity[::-1])[::-1]


def _rises(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rise of the similarity from each gap to the nearest peak before it, (n - 1,)."""
    rises = np.zeros_like(similarity)
    peak = 0.0
    for i, value in enumerate(similarity):
        peak = peak if i and similarity[i - 1] >= value else value
        rises[i] = peak - value
    return rises
