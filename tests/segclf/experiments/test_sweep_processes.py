"""Sweeps that are interrupted or killed, or that run at the same time."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from segclf.experiments import workers
from segclf.experiments.grids import Trial
from segclf.experiments.trials import identity_of, with_encoder
from segclf.training.options import TrainingOptions
from segclf.workspace.runs import list_runs
from segclf.workspace.workspace import Workspace
from tests.conftest import HANG
from tests.segclf.experiments.corpora import copied, embed_hashes

ON_CPU = {"compute": workers.TrialCompute("cpu", 1, 1.0)}
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
seed = [0, 1, 2]
epochs = 2
"""


def start_sweep(folder, *options):
    """Start a sweep of four trials, one of which never ends unless `options` change it."""
    (folder / "endless.toml").write_text(ENDLESS)
    script = str(Path(sys.executable).parent / "segtool")
    command = [script, "sweep", "endless.toml", *(options or ("--jobs", "2"))]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def wait_for_a_run(workspace, process):
    deadline = time.monotonic() + HANG
    while not list_runs(workspace):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def group_is_gone(group):
    deadline = time.monotonic() + HANG
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_ctrl_c_keeps_finished_runs_and_the_same_command_resumes(tmp_path, cli):
    workspace = Workspace(tmp_path / ".segtool")
    embed_hashes(workspace)
    process = start_sweep(tmp_path)
    wait_for_a_run(workspace, process)
    os.killpg(process.pid, signal.SIGINT)  # like a terminal, which also signals the workers
    _, stderr = process.communicate(timeout=HANG)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "\nInterrupted. Finished runs are kept.\nTo continue, run: segtool sweep " in stderr
    assert group_is_gone(process.pid)
    kept = len(list_runs(workspace))
    assert 1 <= kept < 4
    resumed = ("sweep", "endless.toml", "--set", "epochs=2", "--jobs", "1", "--json")
    done = cli(tmp_path, *resumed)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["done_before"] + content["done_now"] == 3
    assert content["done_before"] >= kept - 1  # a trained run without scores does not count as done
    assert len(list_runs(workspace)) == 3
    assert content["systems"][0]["n"] == 3


def test_parallel_sweeps_train_each_trial_once(tmp_path):
    workspace = Workspace(tmp_path / ".segtool")
    embed_hashes(workspace)
    options = ["--seed", "1,2", "--set", "epochs=2", "--jobs", "1", "--json"]
    pair = [start_sweep(tmp_path, *options) for _ in range(2)]
    contents = []
    for process in pair:
        output, errors = process.communicate(timeout=HANG)
        assert process.returncode == 0, errors
        contents.append(json.loads(output))
    assert len(list_runs(workspace)) == 2
    assert sum(content["done_now"] for content in contents) == 2
    for content in contents:
        assert content["done_now"] + content["done_before"] == 2
        assert content["systems"][0]["n"] == 2


def test_a_trial_of_another_sweep_is_skipped_until_that_sweep_dies(swept, tmp_path):
    workspace = copied(swept, tmp_path)
    stored = workspace.load_corpus()
    trial = with_encoder(Trial(TrainingOptions(epochs=1, seed=9)), stored)
    task = workspace.path, "stories", stored.digest, trial, ["dev"]
    hold = (
        "import sys, time; from filelock import FileLock; lock = FileLock(sys.argv[1]); "
        "lock.acquire(); "
        "print('held', flush=True); time.sleep(600)"
    )
    path = workers.trial_lock(workspace, identity_of(stored, trial)).lock_file
    command = [sys.executable, "-c", hold, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "held\n"
            assert workers.complete_trial(*task, **ON_CPU, wait=False) is None
        finally:
            process.kill()
    assert workers.complete_trial(*task, **ON_CPU, wait=True) is not None


def test_a_killed_sweep_leaves_no_process_behind(tmp_path):
    workspace = Workspace(tmp_path / ".segtool")
    embed_hashes(workspace)
    process = start_sweep(tmp_path)
    wait_for_a_run(workspace, process)
    process.kill()
    process.communicate(timeout=HANG)
    assert group_is_gone(process.pid)
    assert len(list_runs(workspace)) < 4
