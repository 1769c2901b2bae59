"""Pooling of the states of tokens without torch."""

import numpy as np
import pytest

from embedcache.encoders.pooling import TokenPooling

STATES = np.array([[[1, 2], [3, 6], [9, 9]], [[5, 0], [7, 7], [8, 8]]], dtype=np.float32)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("cls", [[1, 2], [5, 0]]), ("mean", [[2, 4], [5, 0]]), ("max", [[3, 6], [5, 0]])],
)
def test_only_the_tokens_of_a_sentence_are_pooled(mode, expected):
    assert TokenPooling(mode).pool(STATES, np.array([2, 1])).tolist() == expected


def test_the_mean_of_no_tokens_is_zero():
    pooled = TokenPooling("mean", normalize=True).pool(STATES, np.array([0, 1]))
    assert pooled.tolist() == [[0, 0], [1, 0]]
