"""The MLP head in NumPy predicts the same probabilities as in torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segclf.corpus.layout import Layout
from segclf.heads.mlp import MLP
from segclf.heads.numpy_mlp import NumpyMLP
from segclf.inputs.examples import Examples


def trained(dim, window, clip_sigma):
    torch.manual_seed(0)
    head = MLP(dim, window).eval()
    head.clip_sigma = clip_sigma
    for value in head.state_dict().values():
        value.add_(torch.randn_like(value), alpha=0.1)
    return head


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4) | st.just([1500, 1]),
    window=st.integers(1, 5),
    clip_sigma=st.none() | st.just(4.0),
)
def test_the_probabilities_of_the_numpy_head_are_the_same_as_in_torch(sizes, window, clip_sigma):
    head = trained(6, window, clip_sigma)
    weights = {name: value.numpy() for name, value in head.state_dict().items()}
    layout = Layout.unlabelled(np.cumsum([0, *sizes]))
    vectors = np.random.default_rng(0).normal(0, 3, (sum(sizes), 6)).astype(np.float32)
    examples = Examples(vectors, layout)
    found = NumpyMLP(weights, window, clip_sigma).predict(examples)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, head.predict(examples), atol=1e-5)


def test_an_empty_text_has_no_probabilities():
    weights = {name: value.numpy() for name, value in trained(6, 2, None).state_dict().items()}
    examples = Examples(np.zeros((0, 6), np.float32), Layout.unlabelled(np.array([0])))
    assert NumpyMLP(weights, 2, None).predict(examples).shape == (0,)


@pytest.mark.parametrize("change", ["missing", "shape", "more"])
def test_weights_of_another_head_do_not_fit(change):
    weights = {name: value.numpy() for name, value in trained(6, 2, None).state_dict().items()}
    assert NumpyMLP(weights, 2, None).fits(6)
    assert not NumpyMLP(weights, 3, None).fits(6)
    assert not NumpyMLP(weights, 2, None).fits(7)
    if change == "missing":
        del weights["outside"]
    elif change == "shape":
        weights["project.0.bias"] = weights["project.0.bias"][1:]
    else:
        weights["other"] = weights["outside"]
    assert not NumpyMLP(weights, 2, None).fits(6)
