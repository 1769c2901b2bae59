"""Thresholds and boundaries, compared with scikit-learn and an exhaustive search."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score, precision_recall_curve

from segclf.corpus.layout import Layout
from segclf.scoring.calibration import logits_of
from segclf.scoring.decoding import best_threshold, decode, decode_within, most_probable

PROBABILITIES = hnp.arrays(np.float32, st.integers(1, 9), elements=st.floats(0, 1, width=32))
LEVELS = np.array([0, 0.3, 0.4, 0.5, 0.9, 1], dtype=np.float32)
"""Probabilities some of which are equal to a threshold."""


def lengths_of(boundaries):
    return np.diff([*np.flatnonzero(boundaries), len(boundaries)])


def best_by_exhaustive_search(gains, shortest, longest):
    n = len(gains)
    best = -np.inf
    for count in range(n):
        for chosen in combinations(range(1, n), count):
            *others, last = np.diff([0, *chosen, n])
            if all(shortest <= length <= longest for length in others) and last <= longest:
                best = max(best, gains[list(chosen)].sum())
    return best


@settings(max_examples=300, deadline=None)
@given(PROBABILITIES, st.floats(0.05, 0.95), st.integers(1, 4), st.integers(0, 4))
def test_no_segmentation_of_allowed_lengths_is_better(probabilities, threshold, shortest, more):
    longest = shortest + more
    layout = Layout.unlabelled(np.array([0, len(probabilities)]))
    found = decode_within(layout, probabilities, threshold, min_length=shortest, max_length=longest)
    *others, last = lengths_of(found)
    assert found[0]
    assert all(shortest <= length <= longest for length in others)
    assert last <= longest
    gains = logits_of(probabilities) - logits_of(np.float32(threshold))
    reached = gains[1:][found[1:]].sum()
    np.testing.assert_allclose(
        reached, best_by_exhaustive_search(gains, shortest, longest), atol=1e-6
    )


@given(
    hnp.arrays(np.float32, 40, elements=st.floats(0, 1, width=32))
    | hnp.arrays(np.float32, 40, elements=st.sampled_from(LEVELS)),
    st.floats(0.0625, 0.9375, width=32) | st.sampled_from((0.0, 0.3, 0.4, 0.5, 1.0)),
)
def test_wide_limits_do_not_change_the_result(probabilities, threshold):
    layout = Layout.unlabelled(np.array([0, 15, 15, 40]))
    plain = decode(layout, probabilities, threshold)
    free = decode_within(layout, probabilities, threshold)
    wide = decode_within(layout, probabilities, threshold, max_length=40)
    assert plain.tolist() == free.tolist() == wide.tolist()


def test_the_paragraphs_of_a_long_text_have_allowed_lengths():
    probabilities = np.random.default_rng(0).random(200_000, dtype=np.float32)
    layout = Layout.unlabelled(np.array([0, len(probabilities)]))
    found = decode_within(layout, probabilities, 0.9, min_length=3, max_length=20)
    assert lengths_of(found)[:-1].min() >= 3
    assert lengths_of(found).max() <= 20


@given(
    hnp.arrays(np.float32, 30, elements=st.sampled_from(np.linspace(0, 1, 9, dtype=np.float32))),
    hnp.arrays(np.bool_, 30),
)
def test_no_other_threshold_has_a_higher_f1(probabilities, labels):
    threshold, f1 = best_threshold(probabilities, labels)
    if not labels.any():
        assert (threshold, f1) == (0.5, 0.0)
        return
    precision, recall, _ = precision_recall_curve(labels, probabilities)
    best = (2 * precision * recall / np.maximum(precision + recall, 1e-12)).max()
    assert f1 == pytest.approx(best)
    assert f1_score(labels, probabilities >= threshold) == pytest.approx(f1)


@pytest.mark.parametrize("upper", [1, 0.7, 0.5, 2**-126, 1e-45])
@pytest.mark.parametrize("steps", [0, 1])  # float32 rounds the midpoint down or up
def test_a_threshold_separates_adjacent_float32_probabilities(upper, steps):
    above = np.float32(upper)
    for _ in range(steps):
        above = np.nextafter(above, np.float32(2))
    probabilities = np.array([above, np.nextafter(above, np.float32(0))])
    threshold, f1 = best_threshold(probabilities, np.array([True, False]))
    assert f1 == 1
    assert (probabilities >= threshold).tolist() == [True, False]


def test_a_boundary_is_placed_where_the_probability_reaches_the_threshold():
    layout = Layout.unlabelled(np.array([0, 3, 5]))
    probabilities = np.array([0.1, 0.5, 0.4, 0.2, 0.6], dtype=np.float32)
    assert decode(layout, probabilities, 0.5).tolist() == [True, True, False, True, True]


def test_the_most_probable_boundaries_divide_the_documents():
    layout = Layout.unlabelled(np.array([0, 3, 3, 6]))
    probabilities = np.array([0.9, 0.2, 0.7, 0.1, 0.7, 0.2], dtype=np.float32)
    for paragraphs, starts in (
        (2, [0, 3]),
        (3, [0, 2, 3]),  # among equal probabilities, the earlier sentence
        (4, [0, 2, 3, 4]),
        (5, [0, 1, 2, 3, 4]),
        (6, [0, 1, 2, 3, 4, 5]),
    ):
        found = most_probable(layout, probabilities, paragraphs)
        assert np.flatnonzero(found).tolist() == starts


def test_among_many_equal_probabilities_the_earlier_boundaries_are_chosen():
    layout = Layout.unlabelled(np.array([0, 1000]))
    probabilities = np.tile(np.array([0.2, 0.7], dtype=np.float32), 500)
    found = np.flatnonzero(most_probable(layout, probabilities, 301))
    assert found.tolist() == [0, *range(1, 600, 2)]


def test_each_document_is_divided_independently():
    random = np.random.default_rng(0)
    probabilities = random.random(40, dtype=np.float32)
    offsets = [0, 7, 7, 8, 25, 40]
    for limits in ({"min_length": 3}, {"max_length": 4}, {"min_length": 2, "max_length": 5}):
        found = decode_within(Layout.unlabelled(np.array(offsets)), probabilities, 0.6, **limits)
        separately = [
            decode_within(
                Layout.unlabelled(np.array([0, stop - start])),
                probabilities[start:stop],
                0.6,
                **limits,
            )
            for start, stop in pairwise(offsets)
        ]
        assert np.array_equal(found, np.concatenate(separately))
