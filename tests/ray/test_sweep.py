"""`segtool sweep --engine ray` gives the same runs as a sweep on one machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from embedcache import UserError
from segclf import Workspace, embed
from segclf.experiments.grids import Trial, expand
from segclf.experiments.sweeps import sweep
from segclf.experiments.trials import identity_of, with_encoder
from segclf.experiments.workers import trial_lock
from segclf.training.options import TrainingOptions
from segclf.workspace.files import with_checksum
from segclf.workspace.runs import WEIGHTS, list_runs
from tests.conftest import HANG, STORIES
from tests.ray.conftest import processes_of
from tests.segtool.texts import mistake

GRID = {"head": ["mlp", "bilstm"], "window": 1, "epochs": 2, "seed": 0}
SPLITS = "dev", "test"
ENDLESS = """
[[grid]]
head = "mlp"
window = 1
seed = 0
epochs = 1_000_000
patience = 1_000_000

[[grid]]
head = "mlp"
window = 1
seed = 1
epochs = 2
"""


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """A workspace with the stories, and an encoder whose vectors are lost."""
    workspace = Workspace(tmp_path_factory.mktemp("embedded") / ".segtool")
    embed(STORIES, workspace, encoder_name="surface", split="80/10/10")
    (path,) = workspace.corpora.iterdir()
    header, body = path.read_text().split("\n", 1)
    content = json.loads(header)
    content["encoders"].insert(0, {"name": "lost", "pooling": None, "fingerprint": "0" * 32})
    path.write_text(json.dumps(with_checksum(content)) + "\n" + body)
    return workspace


def copied(workspace, folder):
    return Workspace(shutil.copytree(workspace.path, folder / ".segtool"))


def results_of(run):
    """Return the weights of a run, and its scores without the time and the folder."""
    scores = [json.loads((run.path / f"eval-{split}.json").read_text()) for split in SPLITS]
    own = [(each["at_half"], each["probabilities"]) for each in scores]
    return (run.path / WEIGHTS).read_bytes(), own


def test_runs_are_the_same_as_on_one_machine(local_ray, embedded, tmp_path):
    trials = [*expand(GRID), Trial(TrainingOptions(head="mlp", window=1, epochs=1), "lost")]
    alone = sweep(copied(embedded, tmp_path / "alone"), trials, jobs=1)
    workspace = copied(embedded, tmp_path / "ray")
    outcomes = sweep(workspace, trials, engine="ray")
    for own, expected in zip(outcomes[:-1], alone[:-1], strict=True):
        assert own.new
        assert results_of(own.run) == results_of(expected.run)
    assert outcomes[-1].error == alone[-1].error.replace("alone", "ray")
    assert "no vectors from the encoder" in outcomes[-1].error
    again = sweep(workspace, trials[:-1], engine="ray")
    assert not any(outcome.new for outcome in again)
    assert len(list_runs(workspace)) == len(trials) - 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 3}, "--device cpu --threads 3: the cluster has no machine with enough"),
        ({"device": "cuda"}, "--threads 1: the cluster has no GPU machine with enough"),
        ({"device": "cuda:1"}, "--device cuda:1: with --engine ray, use cpu or cuda"),
        ({"jobs": 0}, "jobs is 0: use 1 or more"),
        ({"memory": -1}, "memory is -1"),
    ],
)
def test_mistakes_are_reported_before_training(local_ray, embedded, options, message):
    with pytest.raises(UserError, match=message):
        sweep(embedded, expand(GRID), engine="ray", **options)
    assert not list_runs(embedded)


def test_a_machine_without_access_to_the_workspace_is_named(two_nodes, embedded, tmp_path, segtool):
    copied(embedded, tmp_path)
    own = "/proc/self/cwd/.segtool"  # another folder for a process in another current folder
    address = ["--engine", "ray", "--address", two_nodes.address]
    done = segtool(tmp_path, "sweep", "--head", "mlp", "--workspace", own, *address, timeout=HANG)
    assert f"has no access to {own}: give --workspace a folder" in mistake(done)
    assert not list_runs(Workspace(tmp_path / ".segtool"))


@pytest.mark.parametrize("cluster", ["two_nodes", None])
def test_ctrl_c_ends_all_trials_and_the_same_command_resumes(
    cluster, request, embedded, tmp_path, segtool
):
    address = ["--address", request.getfixturevalue(cluster).address] if cluster else []
    workspace = copied(embedded, tmp_path)
    (tmp_path / "endless.toml").write_text(ENDLESS)
    command = ["sweep", "endless.toml", "--engine", "ray", *address]
    script = str(Path(sys.executable).parent / "segtool")
    process = subprocess.Popen(
        [script, *command], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + HANG
    while not any((run.path / "eval-test.json").exists() for run in list_runs(workspace)):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=HANG)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "\nInterrupted. Finished runs are kept.\nTo continue, run: segtool sweep " in stderr
    stored = workspace.load_corpus()
    options = TrainingOptions(head="mlp", window=1, seed=0, epochs=1_000_000, patience=1_000_000)
    trial = with_encoder(Trial(options), stored)
    with trial_lock(workspace, identity_of(stored, trial)).acquire(timeout=HANG):
        pass  # the process that held it has ended
    done = segtool(tmp_path, *command, "--set", "epochs=2", "--json", timeout=HANG)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert (content["done_before"], content["done_now"]) == (1, 0)
    assert len(list_runs(workspace)) == 1


def test_a_trial_whose_process_is_killed_is_trained_again(two_nodes, embedded, tmp_path):
    workspace = copied(embedded, tmp_path)
    stored = workspace.load_corpus()
    (trial,) = expand({"head": "mlp", "window": 1, "epochs": 1, "seed": 0})
    grid = ["--head", "mlp", "--window", "1", "--seed", "0", "--set", "epochs=1", "--json"]
    script = str(Path(sys.executable).parent / "segtool")
    address = ["--engine", "ray", "--address", two_nodes.address]
    # while this process holds its lock, the trial waits
    with trial_lock(workspace, identity_of(stored, with_encoder(trial, stored))):
        process = subprocess.Popen(
            [script, "sweep", *grid, *address], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + HANG
        while not (waiting := processes_of(two_nodes, "run_trial")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        os.kill(waiting[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=HANG)
    assert process.returncode == 0
    assert json.loads(output)["done_now"] == 1
    assert len(list_runs(workspace)) == 1
