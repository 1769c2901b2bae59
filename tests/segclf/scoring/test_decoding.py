"""Thresholds, and paragraphs of allowed lengths, against an exhaustive search."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score, precision_recall_curve

from segclf.corpus.layout import Layout
from segclf.scoring.calibration import logits_of
from segclf.scoring.decoding import best_threshold, decode, decode_within

PROBABILITIES = hnp.arrays(np.float32, st.integers(1, 9), elements=st.floats(0, 1, width=32))


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
    hnp.arrays(np.float32, 40, elements=st.floats(0, 1, width=32)),
    st.floats(0.0625, 0.9375, width=32),
)
def test_wide_limits_do_not_change_the_result(probabilities, threshold):
    layout = Layout.unlabelled(np.array([0, 15, 15, 40]))
    plain = decode(layout, probabilities, threshold)
    free = decode_within(layout, probabilities, threshold)
    wide = decode_within(layout, probabilities, threshold, max_length=40)
    assert (plain == free).all()
    differ = plain != wide  # only where the score does not change
    assert (logits_of(probabilities[differ]) == logits_of(np.float32(threshold))).all()


def test_a_long_text_is_decoded_in_linear_time():
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
