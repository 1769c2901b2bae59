"""Windows: for each candidate boundary, the sentences around it."""

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError

MAX_WINDOW = 4096  # sentences on each side; a head grows with its window
OUTSIDE = -1


def windows_of(offsets: NDArray[np.int64], window: int) -> NDArray[np.int64]:
    """List the sentences around every candidate boundary.

    Candidate i lies before sentence i: its window holds sentences i - window to i + window - 1.

    Args:
        offsets: (m + 1,) where each of m documents begins, and where the last one ends.
        window: sentences on each side.

    Returns:
        (n, 2 * window) positions of sentences, OUTSIDE where the document has none.

    Raises:
        UserError: the window is below 1.

    Example:
        >>> windows_of(np.array([0, 3]), 1).tolist()
        [[-1, 0], [0, 1], [1, 2]]
    """
    check_window(window)
    lengths = np.diff(offsets)
    first = np.repeat(offsets[:-1], lengths)[:, None]
    end = np.repeat(offsets[1:], lengths)[:, None]
    positions = np.arange(offsets[-1])[:, None] + np.arange(-window, window)
    return np.where((positions >= first) & (positions < end), positions, OUTSIDE)


def check_window(window: int) -> None:
    """Raise UserError for a window below 1 or above `MAX_WINDOW`."""
    if not 1 <= window <= MAX_WINDOW:
        raise UserError(f"a window of {window} sentences a side: take 1 to {MAX_WINDOW:,}")


def candidates(offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say before which of n sentences a decision is due: (n,) bool.

    That is before all but the first of each document, where a paragraph begins in any case.
    """
    due = np.ones(offsets[-1], dtype=np.bool_)
    due[offsets[:-1][np.diff(offsets) > 0]] = False
    return due
