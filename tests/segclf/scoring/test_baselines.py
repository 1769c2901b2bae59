"""Scores of trivial segmentations."""

import numpy as np
import pytest

from segclf.corpus.layout import Layout
from segclf.scoring.baselines import baseline_scores


def test_the_baselines_of_a_known_layout_have_known_scores():
    labels = np.arange(1000) % 5 == 0
    scores = baseline_scores(Layout(labels, np.array([0, 1000])), paragraph_length=5, rate=0.2)
    assert scores["everywhere"].recall == 1
    assert scores["everywhere"].precision == pytest.approx(199 / 999)
    assert scores["nowhere"].f1 == 0
    assert scores["even"].f1 == 1
    assert scores["even"].pk == scores["even"].window_diff == 0
    assert scores["random"].recall == pytest.approx(0.2, abs=0.05)
