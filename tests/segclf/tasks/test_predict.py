"""Numbers of CPU threads of the encoder and the head of a run."""

import pytest
import torch

from embedcache.encoders.surface import SurfaceEncoder
from embedcache.encoders.threads import limit_threads
from segclf import TrainingOptions, Workspace, embed, evaluate, segment, train
from segclf.heads.mlp import MLP
from tests.conftest import STORIES


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("predicted"))
    embed(STORIES / "eki.txt", workspace, encoder_name="surface")
    return workspace


@pytest.fixture(scope="module")
def run(workspace):
    return train(workspace, TrainingOptions(head="mlp", window=1, epochs=1))


@pytest.mark.parametrize(("threads", "expected"), [(None, [3, 1]), (2, [2, 2])])
def test_a_head_uses_one_thread_and_an_encoder_the_default_of_torch(
    threads, expected, workspace, run, monkeypatch
):
    used = []
    for computes, name in ((SurfaceEncoder, "encode"), (MLP, "predict")):
        method = getattr(computes, name)

        def observed(*given, method=method):
            used.append(torch.get_num_threads())
            return method(*given)

        monkeypatch.setattr(computes, name, observed)
    with limit_threads(3):
        segment("雨が降っていた。彼は傘を忘れた。", workspace, run, threads=threads)
    assert used == expected


@pytest.mark.parametrize(("given", "expected"), [({}, 1), ({"threads": 2}, 2)])
def test_a_head_predicts_with_one_thread_by_default(workspace, run, threads_used, given, expected):
    for predict in (
        lambda: evaluate(workspace, run, **given),
        lambda: segment("雨が降る。風が吹く。", workspace, run, **given),
    ):
        threads_used.clear()
        predict()
        assert threads_used == {expected}
