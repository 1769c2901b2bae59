"""Numbers of CPU threads of the encoder and the head of a run."""

import pytest

from segclf import TrainingOptions, Workspace, embed, evaluate, segment, train
from tests.conftest import STORIES


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("predicted"))
    embed(STORIES / "eki.txt", workspace, encoder_name="surface")
    return workspace


@pytest.fixture(scope="module")
def run(workspace):
    return train(workspace, TrainingOptions(head="mlp", window=1, epochs=1))


@pytest.mark.parametrize(("given", "expected"), [({}, 1), ({"threads": 2}, 2)])
@pytest.mark.parametrize("head", ["mlp", "bilstm"])
def test_a_head_predicts_with_one_thread_by_default(workspace, threads_used, head, given, expected):
    run = train(workspace, TrainingOptions(head=head, window=1, epochs=1))
    threads_used.clear()
    evaluate(workspace, run, **given)
    assert threads_used == {expected}
    threads_used.clear()
    segment("雨が降る。風が吹く。", workspace, run, **given)
    # NumPy computes an mlp
    assert threads_used == (set() if head == "mlp" else {expected})
