"""Windows of sentences."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segclf.corpus.layout import Layout
from segclf.inputs.windows import OUTSIDE, windows_of


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(1, 5))
def test_windows_contain_the_neighbours_in_the_same_document(lengths, window):
    layout = Layout.unlabelled(np.concatenate([[0], np.cumsum(lengths)]))
    windows = windows_of(layout, window)
    assert windows.shape == (sum(lengths), 2 * window)
    document = np.repeat(np.arange(len(lengths)), lengths)
    for i, row in enumerate(windows.tolist()):
        for position, shown in zip(range(i - window, i + window), row, strict=True):
            inside = 0 <= position < len(document) and document[position] == document[i]
            assert shown == (position if inside else OUTSIDE)
    first = windows[:, window - 1] == OUTSIDE
    assert (layout.is_candidate == ~first).all()
