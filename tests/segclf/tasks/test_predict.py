"""Prediction with heads."""

import pytest

from segclf import TrainingOptions, Workspace, embed, evaluate, segment, train
from tests.conftest import STORIES


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("predicted"))
    embed(STORIES / "eki.txt", workspace, encoder_name="surface")
    return workspace


@pytest.mark.parametrize(("given", "expected"), [({}, 1), ({"threads": 2}, 2)])
def test_a_head_predicts_with_one_thread_by_default(workspace, threads_used, given, expected):
    run = train(workspace, TrainingOptions(head="mlp", window=1, epochs=1), **given)
    assert threads_used == {expected}
    for predict in (
        lambda: evaluate(workspace, run, **given),
        lambda: segment("雨が降る。風が吹く。", workspace, run, **given),
    ):
        threads_used.clear()
        predict()
        assert threads_used == {expected}
