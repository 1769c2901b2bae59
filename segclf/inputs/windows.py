"""Windows of sentences around candidate boundaries."""

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus.layout import Layout

MAX_WINDOW = 4096  # sentences on each side; limits memory, since a head grows with its window
OUTSIDE = -1  # stands for a position beyond the document


def windows_of(
    layout: Layout, window: int, start: int = 0, stop: int | None = None
) -> NDArray[np.int64]:
    """List the sentences around every possible boundary.

    The window of the boundary before sentence i is sentences i - window to i + window - 1.

    Args:
        layout: Layout of n sentences.
        window: Number of sentences on each side.
        start: Sentence of the first boundary.
        stop: Sentence after the sentence of the last boundary; None for n.

    Returns:
        (stop - start, 2 * window) positions of sentences, OUTSIDE for those beyond the document.

    Raises:
        UserError: The window is below 1 or above `MAX_WINDOW`.

    Example:
        >>> windows_of(Layout.unlabelled(np.array([0, 3])), 1).tolist()
        [[-1, 0], [0, 1], [1, 2]]
    """
    return windows_at(layout, window, np.arange(start, len(layout) if stop is None else stop))


def windows_at(layout: Layout, window: int, sentences: NDArray[np.int64]) -> NDArray[np.int64]:
    """List the sentences around the boundaries before some sentences.

    Args:
        layout: Layout of n sentences.
        window: Number of sentences on each side.
        sentences: (b,) positions of the sentences after the boundaries, in any order.

    Returns:
        (b, 2 * window) positions of sentences, OUTSIDE for those beyond the document.

    Raises:
        UserError: The window is below 1 or above `MAX_WINDOW`.
    """
    check_window(window)
    document = np.searchsorted(layout.offsets, sentences, side="right") - 1
    first, end = layout.offsets[document][:, None], layout.offsets[document + 1][:, None]
    positions = sentences[:, None] + np.arange(-window, window)
    return np.where((positions >= first) & (positions < end), positions, OUTSIDE)


def check_window(window: int) -> None:
    """Raise UserError if the window is below 1 or above `MAX_WINDOW`."""
    if not 1 <= window <= MAX_WINDOW:
        raise UserError(f"window must be 1 to {MAX_WINDOW:,}, not {window}")
