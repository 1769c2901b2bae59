"""`segtool train --engine ray`: several processes train the same head as one process."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from embedcache import UserError
from segclf import TrainingOptions, Workspace, embed, evaluate, train
from segclf.heads.base import Dropout
from segclf.tasks.export import export
from segclf.tasks.train_on_cluster import train_on_cluster
from segclf.workspace.runs import WEIGHTS, list_runs
from tests.conftest import HANG, ROOT, STORIES
from tests.ray import hooks
from tests.ray.conftest import OBJECT_STORE, processes_of
from tests.segtool.texts import mistake

MLP = TrainingOptions(head="mlp", window=1, epochs=2)
CROPS = TrainingOptions(head="document-bilstm", epochs=2, crop=8)
SEGTOOL = str(Path(sys.executable).parent / "segtool")
FIT = "train", "--window", "1", "--engine", "ray"


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("embedded") / ".segtool")
    embed(STORIES, workspace, encoder_name="surface", split="80/10/10")
    return workspace


def copied(workspace, folder):
    return Workspace(shutil.copytree(workspace.path, folder / ".segtool"))


@contextmanager
def cluster(hook=None, **variables):
    """A cluster of one machine with two CPUs, whose processes call a function when they start."""
    import ray

    environment = {"env_vars": {"PYTHONPATH": str(ROOT), **variables}}  # where the hooks are
    if hook:
        environment["worker_process_setup_hook"] = f"{hook.__module__}.{hook.__name__}"
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env=environment,
        **OBJECT_STORE,
    )
    try:
        yield ray
    finally:
        ray.shutdown()


def weights_of(run):
    return torch.cat([tensor.flatten() for tensor in run.load_head().state_dict().values()])


def test_two_workers_train_the_same_head_as_one_process(monkeypatch, embedded, tmp_path):
    monkeypatch.setattr(Dropout, "forward", lambda self, inputs: inputs)
    workspace = copied(embedded, tmp_path)
    with cluster(hooks.without_dropout):
        for options, memory in ((MLP, None), (CROPS, 0)):
            alone, epochs = train(workspace, options), []
            shared = train_on_cluster(
                workspace, options, workers=2, memory=memory, on_epoch=epochs.append
            )
            assert torch.allclose(weights_of(shared), weights_of(alone), atol=1e-4)
            assert tuple(epochs) == shared.record.history
            assert shared.record.workers == 2
            assert "workers" not in alone.to_dict()
            scores = [evaluate(workspace, run).scores.f1 for run in (shared, alone)]
            assert scores[0] == pytest.approx(scores[1], abs=0.01)


def test_training_begins_again_after_a_worker_is_killed(embedded, tmp_path):
    workspace = copied(embedded, tmp_path)
    held, numbers = tmp_path / "hold", []
    held.touch()

    def kill_the_held_worker(epoch):
        numbers.append(epoch.epoch)
        deadline = time.monotonic() + HANG
        while held.exists():
            assert time.monotonic() < deadline
            if process := held.read_text():
                os.kill(int(process), signal.SIGKILL)
                held.unlink()
            time.sleep(0.05)

    with cluster(hooks.hold, **{hooks.HOLD: str(held)}):
        run = train_on_cluster(workspace, MLP, workers=2, on_epoch=kill_the_held_worker)
        undisturbed = train_on_cluster(workspace, MLP, workers=2)
    assert numbers == [0, 0, 1, 2]
    assert (run.path / WEIGHTS).read_bytes() == (undisturbed.path / WEIGHTS).read_bytes()
    assert len(list_runs(workspace)) == 2


class Holder:
    """Reserves a CPU."""

    def hold(self):
        pass


def test_training_does_not_wait_forever_for_a_busy_cluster(embedded):
    with cluster(RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S="1") as ray:
        actor = ray.remote(Holder).options(num_cpus=1).remote()
        ray.get(actor.hold.remote())
        message = "--workers 2 --threads 1: the cluster did not start .*timed out.*: wait until"
        with pytest.raises(UserError, match=message):
            train_on_cluster(embedded, MLP, workers=2)
    assert not list_runs(embedded)


def test_one_worker_trains_the_same_head_as_one_process_bit_for_bit(local_ray, embedded, tmp_path):
    workspace = copied(embedded, tmp_path)
    runs = train(workspace, MLP), train_on_cluster(workspace, MLP, workers=1)
    alone, shared = ((run.path / WEIGHTS).read_bytes() for run in runs)
    assert shared == alone
    assert "workers" not in runs[1].to_dict()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 3}, r"--workers 3 --threads 1: .* too few CPUs \(total: 2, .* worker: 1"),
        ({"threads": 3}, r"--workers 1 --threads 3: .* too few CPUs \(total: 2, .* worker: 3"),
        ({"workers": 0}, "--workers 0: use 1 or more"),
        ({"device": "cuda"}, r"--workers 1: .* too few GPUs \(total: 0, .* worker: 1"),
        ({"device": "cuda:1"}, "--device cuda:1: with --engine ray, use cpu or cuda"),
        ({"memory": -1}, "memory is -1"),
        ({"start": "none"}, "no run or model 'none'"),
    ],
)
def test_mistakes_are_reported_before_workers_start(local_ray, embedded, options, message):
    with pytest.raises(UserError, match=message):
        train_on_cluster(embedded, MLP, **options)
    assert not list_runs(embedded)


def test_an_error_in_a_worker_is_reported_in_one_line(embedded, tmp_path, segtool):
    copied(embedded, tmp_path)
    done = segtool(tmp_path, *FIT, "--workers", "2", "--type", "paragraph", timeout=HANG)
    assert "the boundaries of the corpus stories have no types: leave out --type" in mistake(done)


def test_two_nodes_train_from_an_exported_run(two_nodes, embedded, tmp_path, segtool):
    workspace = copied(embedded, tmp_path)
    export(train(workspace, MLP), tmp_path / "model", workspace)
    cluster = ["--engine", "ray", "--address", two_nodes.address, "--workers", "2"]
    command = ["train", "--from", "model", "--epochs", "1", "--memory", "0", *cluster]
    done = segtool(tmp_path, *command, "--json", timeout=HANG)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["workers"] == 2
    assert content["start"]["name"] == "model"
    assert segtool(tmp_path, "eval", content["run"], timeout=HANG).returncode == 0


def test_ctrl_c_ends_the_workers_and_leaves_no_run(two_nodes, embedded, tmp_path):
    workspace = copied(embedded, tmp_path)
    endless = ["--epochs", "1_000_000", "--patience", "1_000_000", "--workers", "2"]
    process = subprocess.Popen(
        [SEGTOOL, *FIT, *endless, "--address", two_nodes.address],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    lines = [process.stdout.readline() for _ in range(3)]
    assert lines[2].startswith("    1 "), (lines, process.communicate())
    assert len(processes_of(two_nodes, "RayTrainWorker")) == 2
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=HANG)
    assert process.returncode == 130
    assert "Interrupted." in stderr
    assert "Traceback" not in stderr
    deadline = time.monotonic() + HANG
    while processes_of(two_nodes, "RayTrainWorker"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not list_runs(workspace)
