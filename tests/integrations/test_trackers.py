"""Finished runs in TensorBoard, MLflow, Weights & Biases and trackio, on disk."""

import json
import os
import sqlite3

import pytest

from segclf import Workspace, load_run
from tests.conftest import ROOT
from tests.segtool.texts import mistake


def test_tensorboard_shows_every_epoch_of_a_run(trained, segtool):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done = segtool(trained, "train", "--head", "mlp", "--epochs", "2", "--log-to", "tensorboard")
    assert done.returncode == 0, done.stderr
    assert "to see the runs: tensorboard --logdir .segtool/tensorboard" in done.stderr
    (folder,) = (trained / ".segtool/tensorboard").iterdir()
    run = load_run(Workspace(trained / ".segtool"), folder.name)
    events = EventAccumulator(str(folder)).Reload()
    for name in ("loss", "precision", "recall", "f1"):
        logged = [(event.step, event.value) for event in events.Scalars(name)]
        expected = [(epoch.epoch, getattr(epoch, name)) for epoch in run.record.history]
        assert logged == [(step, pytest.approx(value)) for step, value in expected]
    assert events.Scalars("dev_f1")[0].value == pytest.approx(run.record.dev["f1"])


def test_a_sweep_logs_its_new_runs_only(trained, segtool):
    command = ("sweep", "--head", "mlp", "--window", "1", "--set", "epochs=1", "--jobs", "1")
    segtool(trained, *command, "--seed", "0")
    done = segtool(trained, *command, "--seed", "0-1", "--log-to", "tensorboard", "--json")
    assert done.returncode == 0, done.stderr
    newest = sorted((trained / ".segtool/runs").iterdir(), key=lambda path: path.stat().st_mtime)
    assert (trained / ".segtool/tensorboard" / newest[-1].name).is_dir()
    assert not (trained / ".segtool/tensorboard" / newest[-2].name).exists()


def test_tensorboard_logs_of_a_removed_run_of_the_same_name_are_removed(trained, segtool):
    folder = trained / ".segtool/tensorboard/mlp-w3-001"
    folder.mkdir(parents=True)
    (folder / "events").write_text("of a removed run of the same name")
    command = ("train", "--head", "mlp", "--window", "3", "--epochs", "1")
    assert segtool(trained, *command, "--log-to", "tensorboard").returncode == 0
    assert "events" not in [path.name for path in folder.iterdir()]
    assert segtool(trained, "runs", "remove", folder.name).returncode == 0
    assert not folder.exists()


def test_runs_that_cannot_be_logged_are_reported_and_the_others_are_logged(trained, segtool):
    first = segtool(trained, "train", "--head", "mlp", "--window", "5", "--epochs", "1", "--json")
    (trained / ".segtool/tensorboard").mkdir(exist_ok=True)
    base, number = json.loads(first.stdout)["run"].rsplit("-", 1)
    names = [f"{base}-{int(number) + offset:03d}" for offset in (1, 2)]
    (trained / ".segtool/tensorboard" / names[0]).write_text("not a folder")
    command = ("sweep", "--head", "mlp", "--window", "5", "--seed", "1,2", "--set", "epochs=1")
    done = segtool(trained, *command, "--jobs", "1", "--log-to", "tensorboard")
    assert done.returncode == 1
    assert f"the run {names[0]} is saved, but tensorboard cannot log it" in done.stderr
    assert (trained / ".segtool/tensorboard" / names[1]).is_dir()


def test_mlflow_has_the_options_and_the_scores(trained, segtool, tmp_path):
    import mlflow

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    train_and_log(segtool, trained, "mlflow", MLFLOW_TRACKING_URI=uri)
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name("segtool")
    (logged,) = client.search_runs([experiment.experiment_id])
    run = load_run(Workspace(trained / ".segtool"), logged.info.run_name)
    assert logged.data.params["head"] == "mlp"
    assert logged.data.metrics["dev_f1"] == pytest.approx(run.record.dev["f1"])
    steps = client.get_metric_history(logged.info.run_id, "loss")
    assert [step.step for step in steps] == [0, 1]


def train_and_log(segtool, trained, tracker, **variables):
    command = ("train", "--head", "mlp", "--epochs", "1", "--log-to", tracker)
    done = segtool(trained, *command, variables=variables)
    assert done.returncode == 0, done.stderr


def test_wandb_keeps_a_run_for_later_without_network(trained, segtool, tmp_path):
    train_and_log(segtool, trained, "wandb", WANDB_MODE="offline", WANDB_DIR=str(tmp_path))
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    (data,) = folder.glob("run-*.wandb")
    content = data.read_bytes()
    assert b"dev_f1" in content
    assert b"learning_rate" in content


def test_trackio_has_the_scores_of_every_epoch(trained, segtool, tmp_path):
    train_and_log(segtool, trained, "trackio", TRACKIO_DIR=str(tmp_path))
    with sqlite3.connect(tmp_path / "segtool.db") as database:
        rows = [json.loads(row) for (row,) in database.execute("select metrics from metrics")]
    assert len([row for row in rows if "loss" in row]) == 2
    assert len([row for row in rows if "dev_f1" in row]) == 1


def test_a_missing_tracker_is_reported_before_training(trained, segtool, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['wandb'] = None\n")
    runs = sorted((trained / ".segtool/runs").iterdir())
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = segtool(trained, "train", "--log-to", "wandb", variables={"PYTHONPATH": path})
    assert mistake(done) == "error: --log-to wandb needs wandb: run pip install 'segtool[wandb]'"
    assert sorted((trained / ".segtool/runs").iterdir()) == runs
