"""Losses, compared with their formulas."""

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segclf.training.losses import make_loss
from segclf.training.options import LossName

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
def test_the_gradient_of_a_confident_prediction_is_finite(name):
    logits = torch.tensor([-200.0, -20, 20, 200], requires_grad=True)
    make_loss(name, 0.14, 0.5)(logits, torch.tensor([0.0, 0, 1, 1])).backward()
    assert logits.grad.abs().max() < 1e-4
