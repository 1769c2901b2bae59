"""Metrics, baselines, thresholds and losses against references."""

from typing import get_args

import numpy as np
import pytest
import segeval
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score, precision_recall_curve, precision_recall_fscore_support

from embedcache import UserError
from segclf.corpus.layout import Layout
from segclf.inputs.windows import OUTSIDE, windows_of
from segclf.scoring import metrics
from segclf.scoring.baselines import baseline_scores
from segclf.scoring.decoding import best_threshold
from segclf.training.losses import make_loss
from segclf.training.options import LossName


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
def test_precision_recall_and_f1_agree_with_scikit_learn_and_leaves_out_the_first_sentence(pair):
    true, guess = pair
    ours = metrics.precision_recall_f1(Layout(true, np.array([0, len(true)])), guess)
    theirs = precision_recall_fscore_support(
        true[1:], guess[1:], average="binary", zero_division=0
    )[:3]
    assert ours == pytest.approx(theirs)


@given(
    hnp.arrays(np.float32, 30, elements=st.sampled_from(np.linspace(0, 1, 9, dtype=np.float32))),
    hnp.arrays(np.bool_, 30),
)
def test_the_best_threshold_is_the_best_of_all(probabilities, labels):
    threshold, f1 = best_threshold(probabilities, labels)
    if not labels.any():
        assert (threshold, f1) == (0.5, 0.0)
        return
    precision, recall, _ = precision_recall_curve(labels, probabilities)
    best = (2 * precision * recall / np.maximum(precision + recall, 1e-12)).max()
    assert f1 == pytest.approx(best)
    assert f1_score(labels, probabilities >= threshold) == pytest.approx(f1)


def test_baselines_of_a_known_case():
    labels = np.arange(1000) % 5 == 0
    scores = baseline_scores(Layout(labels, np.array([0, 1000])), paragraph_length=5, rate=0.2)
    assert scores["everywhere"].recall == 1
    assert scores["everywhere"].precision == pytest.approx(199 / 999)
    assert scores["nowhere"].f1 == 0
    assert scores["even"].f1 == 1
    assert scores["even"].pk == scores["even"].window_diff == 0
    assert scores["random"].recall == pytest.approx(0.2, abs=0.05)


def test_a_document_too_short_for_pk_does_not_count_for_it():
    labels = np.array([True, False, False, True, False, False, True, True])
    wrong = np.array([True, False, False, False, False, False, True, False])
    alone = metrics.score(Layout(labels[:6], np.array([0, 6])), wrong[:6])
    beside = metrics.score(Layout(labels, np.array([0, 6, 8])), wrong)
    assert alone.pk > 0
    assert (beside.pk, beside.window_diff) == (alone.pk, alone.window_diff)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(1, 5))
def test_windows_hold_the_neighbours_of_their_document(lengths, window):
    layout = Layout.unlabelled(np.concatenate([[0], np.cumsum(lengths)]))
    windows = windows_of(layout, window)
    assert windows.shape == (sum(lengths), 2 * window)
    document = np.repeat(np.arange(len(lengths)), lengths)
    for i, row in enumerate(windows.tolist()):
        for position, shown in zip(range(i - window, i + window), row, strict=True):
            there = 0 <= position < len(document) and document[position] == document[i]
            assert shown == (position if there else OUTSIDE)
    first = windows[:, window - 1] == OUTSIDE
    assert (layout.is_candidate == ~first).all()


logits_and_targets = st.tuples(
    hnp.arrays(np.float32, 12, elements=st.floats(-8, 8, width=32)),
    hnp.arrays(np.bool_, 12),
)


def float64_losses(logits, targets, rate, gamma):
    p = 1 / (1 + np.exp(-logits.astype(np.float64)))
    right = np.where(targets, p, 1 - p)
    weight = np.where(targets, 0.5 / rate, 0.5 / (1 - rate))
    return {
        "cross-entropy": -np.log(right).mean(),
        "balanced": (-weight * np.log(right)).mean(),
        "focal": (-((1 - right) ** gamma) * np.log(right)).mean(),
    }


@given(logits_and_targets, st.floats(0, 5))
def test_losses_agree_with_their_formulas_in_float64(pair, gamma):
    logits, targets = pair
    for name, expected in float64_losses(logits, targets, 0.14, gamma).items():
        loss = make_loss(name, 0.14, gamma)
        value = loss(torch.from_numpy(logits), torch.from_numpy(targets.astype(np.float32)))
        assert float(value) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", get_args(LossName))
def test_the_gradient_of_a_certain_example_is_a_number(name):
    logits = torch.tensor([-200.0, -20, 20, 200], requires_grad=True)
    make_loss(name, 0.14, 0.5)(logits, torch.tensor([0.0, 0, 1, 1])).backward()
    assert logits.grad.abs().max() < 1e-4


def test_no_such_loss_is_told():
    with pytest.raises(UserError, match="unknown loss 'hinge'"):
        make_loss("hinge", 0.1)
    for gamma in (-1, float("nan")):
        with pytest.raises(UserError, match="gamma must be at least 0"):
            make_loss("focal", 0.1, gamma=gamma)
