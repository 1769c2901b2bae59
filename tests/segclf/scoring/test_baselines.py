"""Scores of trivial segmentations."""

import numpy as np
import pytest

from segclf.corpus.layout import Layout
from segclf.scoring.baselines import DESCRIPTIONS, baseline_predictions, baseline_scores


def test_the_baselines_of_a_known_layout_have_known_scores():
    labels = np.arange(1000) % 5 == 0
    scores = baseline_scores(Layout(labels, np.array([0, 1000])), paragraph_length=5, rate=0.2)
    assert scores["everywhere"].recall == 1
    assert scores["everywhere"].precision == pytest.approx(199 / 999)
    assert scores["nowhere"].f1 == 0
    assert scores["even"].f1 == 1
    assert scores["even"].pk == scores["even"].window_diff == 0
    assert scores["random"].recall == pytest.approx(0.2, abs=0.05)
    assert scores["random"].recall != round(scores["random"].recall * 199) / 199  # a mean


@pytest.mark.parametrize(
    ("length", "starts"), [(2.6, [0, 3, 6, 7, 10]), (0.3, range(12)), (50, [0, 7])]
)
def test_paragraphs_of_even_length_begin_with_each_document(length, starts):
    layout = Layout.unlabelled(np.array([0, 7, 7, 12]))
    predictions = baseline_predictions(layout, paragraph_length=length, rate=0.5)
    assert set(predictions) == set(DESCRIPTIONS)
    assert [np.flatnonzero(found).tolist() for found in predictions["even"]] == [list(starts)]


def test_random_boundaries_are_always_the_same_twenty_draws():
    layout = Layout.unlabelled(np.array([0, 500]))
    draws = baseline_predictions(layout, paragraph_length=5, rate=0.3)["random"]
    assert len({draw.tobytes() for draw in draws}) == len(draws) == 20
    assert np.mean(draws) == pytest.approx(0.3, abs=0.02)
    again = baseline_predictions(layout, paragraph_length=9, rate=0.3)["random"]
    assert np.array_equal(draws, again)
    assert not np.any(baseline_predictions(layout, paragraph_length=5, rate=0)["random"])
