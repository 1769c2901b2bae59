"""Windows of sentences around candidate boundaries."""

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus.layout import Layout

MAX_WINDOW = 4096  # sentences on each side; limits memory, as a head grows with its window
OUTSIDE = -1  # stands for a position beyond the document


def windows_of(layout: Layout, window: int) -> NDArray[np.int64]:
    """List the sentences around every possible boundary.

    Row i belongs to the boundary before sentence i: sentences i - window to i + window - 1.

    Args:
        layout: Layout of n sentences.
        window: Number of sentences on each side.

    Returns:
        (n, 2 * window) positions of sentences, OUTSIDE for those beyond the document.

    Raises:
        UserError: The window is below 1 or above `MAX_WINDOW`.

    Example:
        >>> windows_of(Layout.unlabelled(np.array([0, 3])), 1).tolist()
        [[-1, 0], [0, 1], [1, 2]]
    """
    check_window(window)
    lengths = np.diff(layout.offsets)
    first = np.repeat(layout.offsets[:-1], lengths)[:, None]
    end = np.repeat(layout.offsets[1:], lengths)[:, None]
    positions = np.arange(len(layout))[:, None] + np.arange(-window, window)
    return np.where((positions >= first) & (positions < end), positions, OUTSIDE)


def check_window(window: int) -> None:
    """Raise UserError if the window is below 1 or above `MAX_WINDOW`."""
    if not 1 <= window <= MAX_WINDOW:
        raise UserError(f"window must be 1 to {MAX_WINDOW:,}, not {window}")
