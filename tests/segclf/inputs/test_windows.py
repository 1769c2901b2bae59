"""Windows of sentences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedcache import UserError
from segclf.corpus.layout import Layout
from segclf.inputs.windows import MAX_WINDOW, OUTSIDE, check_window, windows_of


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


@given(st.integers(0, 9), st.integers(0, 9))
def test_the_windows_of_some_sentences_are_rows_of_those_of_all(start, count):
    layout = Layout.unlabelled(np.array([0, 4, 4, 9]))
    stop = start + count if start + count < 9 else None
    assert np.array_equal(windows_of(layout, 2, start, stop), windows_of(layout, 2)[start:stop])


def test_a_window_has_at_least_one_sentence_and_at_most_4096():
    check_window(1)
    check_window(MAX_WINDOW)
    layout = Layout.unlabelled(np.array([0, 3]))
    for window in (0, MAX_WINDOW + 1):
        with pytest.raises(UserError) as raised:
            windows_of(layout, window)
        assert str(raised.value) == f"window must be 1 to 4,096, not {window}"
