"""Metrics, compared with reference implementations."""

import numpy as np
import pytest
import segeval
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import precision_recall_fscore_support

from segclf.corpus.layout import Layout
from segclf.scoring import metrics


@st.composite
def segmentations(draw):
    n = draw(st.integers(4, 60))
    return tuple(draw(hnp.arrays(np.bool_, n)) for _ in range(2))


def masses(boundaries):
    starts = [0, *(np.flatnonzero(boundaries[1:]) + 1), len(boundaries)]
    return tuple(int(mass) for mass in np.diff(starts))


@settings(max_examples=200, deadline=None)
@given(segmentations())
def test_pk_and_window_diff_agree_with_segeval(pair):
    true, guess = pair
    hypothesis, reference = masses(guess), masses(true)
    assert metrics.window_size(true) == segeval.compute_window_size(reference)
    assert metrics.pk(true, guess) == pytest.approx(float(segeval.pk(hypothesis, reference)))
    expected = float(segeval.window_diff(hypothesis, reference))
    assert metrics.window_diff(true, guess) == pytest.approx(expected)


@given(segmentations())
def test_precision_recall_and_f1_agree_with_scikit_learn_without_the_first_sentence(pair):
    true, guess = pair
    ours = metrics.precision_recall_f1(Layout(true, np.array([0, len(true)])), guess)
    theirs = precision_recall_fscore_support(
        true[1:], guess[1:], average="binary", zero_division=0
    )[:3]
    assert ours == pytest.approx(theirs)


@given(segmentations(), st.integers(1, 3))
def test_pk_and_window_diff_take_another_distance(pair, k):
    true, guess = pair
    hypothesis, reference = masses(guess), masses(true)
    for ours, theirs in ((metrics.pk, segeval.pk), (metrics.window_diff, segeval.window_diff)):
        expected = float(theirs(hypothesis, reference, window_size=k))
        assert ours(true, guess, k) == pytest.approx(expected)


def test_documents_too_short_for_pk_are_not_counted():
    labels = np.array([True, False, False, True, False, False, True, True])
    wrong = np.array([True, False, False, False, False, False, True, False])
    alone = metrics.score(Layout(labels[:6], np.array([0, 6])), wrong[:6])
    beside = metrics.score(Layout(labels, np.array([0, 6, 8])), wrong)
    assert alone.pk > 0
    assert (beside.pk, beside.window_diff) == (alone.pk, alone.window_diff)
    short = metrics.score(Layout(labels[6:], np.array([0, 2])), wrong[6:])
    assert (short.pk, short.window_diff) == (0, 0)
    assert metrics.pk(labels[6:], wrong[6:]) == metrics.window_diff(labels[6:], wrong[6:]) == 0


def test_scores_at_one_half_show_predictions_that_are_all_the_same():
    layout = Layout(np.array([True, False, True, True]), np.array([0, 3, 4]))
    for probabilities, precision, collapsed in (
        ([0.1, 0.2, 0.5, 0.1], 1, False),
        ([0.1, 0.2, 0.4, 0.9], 0, True),  # the first sentence of a document is no candidate
        ([0.1, 0.6, 0.7, 0.1], 0.5, True),
    ):
        scores = metrics.score_at_half(layout, np.array(probabilities, dtype=np.float32))
        assert (scores["precision"], scores["collapsed"]) == (precision, collapsed)
        assert set(scores) == {*metrics.SCORE_NAMES, "collapsed"}
