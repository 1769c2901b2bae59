"""Training of a head on an embedded corpus."""

import pytest

from segclf import TrainingOptions, Workspace, train
from tests.segclf.experiments.corpora import embed_hashes


@pytest.mark.parametrize(("given", "expected"), [({}, 1), ({"threads": 2}, 2)])
def test_a_head_is_trained_with_one_thread_by_default(tmp_path, threads_used, given, expected):
    workspace = Workspace(tmp_path)
    embed_hashes(workspace)
    run = train(workspace, TrainingOptions(head="mlp", window=1, epochs=1), **given)
    assert threads_used == {expected}
    assert run.record.machine.threads == expected
