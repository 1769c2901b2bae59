"""Pooling of the states of tokens without torch."""

import json

import numpy as np
import pytest

from embedcache.encoders.model_settings import ModelSettings
from embedcache.encoders.pooling import TokenPooling, find_pooling

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


@pytest.mark.parametrize(
    ("flags", "mode"),
    [
        (["mean_tokens"], "mean"),
        (["cls_token"], "cls"),
        (["mean_tokens", "max_tokens"], None),
        (["mean_tokens", "lasttoken"], None),
        (["max_tokens", "weightedmean_tokens"], None),
        (["lasttoken"], None),
    ],
)
def test_a_model_with_several_or_other_poolings_runs_on_torch(flags, mode, tmp_path):
    modules = [
        {"path": path, "type": f"sentence_transformers.models.{kind}"}
        for path, kind in (("", "Transformer"), ("1_Pooling", "Pooling"))
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "1_Pooling").mkdir()
    config = {f"pooling_mode_{flag}": True for flag in flags} | {"pooling_mode_other": False}
    (tmp_path / "1_Pooling/config.json").write_text(json.dumps(config))
    found = find_pooling(tmp_path, ModelSettings({}, 8, 512, "", None))
    assert (found and found.mode) == mode
