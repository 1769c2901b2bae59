"""Estimates of what a sweep would do and how long it would take."""

import json
import shutil
from dataclasses import replace

import pytest

from segclf import Workspace, embed, train
from segclf.experiments.corpora import embed_experiment
from segclf.experiments.estimates import estimate_sweep
from segclf.experiments.experiment_files import Experiment, read_experiment
from segclf.experiments.grids import expand
from tests.conftest import STORIES
from tests.segclf.experiments.corpora import GRID, copied


@pytest.fixture
def workspace(swept, tmp_path):
    return copied(swept, tmp_path)


def set_seconds(workspace, seconds):
    """Set the seconds of an epoch of all runs, and return the number of their sentences."""
    for path in workspace.runs.glob("*/run.json"):
        record = json.loads(path.read_text())
        record.pop("checksum", None)
        record["seconds_per_epoch"] = seconds
        path.write_text(json.dumps(record))
    return record["counts"]["train"]["sentences"]


def estimate(workspace, grid, **options):
    return estimate_sweep(workspace, Experiment(None, expand(grid)), **options)


def test_a_finished_sweep_has_nothing_left(workspace):
    found = estimate(workspace, GRID)
    assert (found.trials, found.done) == (len(expand(GRID)), len(expand(GRID)))
    assert (found.seconds, found.unknown) == (0, 0)


def test_the_time_is_estimated_from_earlier_runs(workspace):
    set_seconds(workspace, 10.0)
    grid = {**GRID, "seed": [7, 8, 9], "epochs": [4]}
    before = sorted(workspace.path.rglob("*"))
    trials = len(expand(grid))
    one, two = (estimate(workspace, grid, jobs=jobs) for jobs in (1, 2))
    assert (one.done, one.unknown) == (0, 0)
    assert one.seconds == pytest.approx(trials * 4 * 10)
    assert two.seconds == pytest.approx(trials * 4 * 10 / 2)
    assert sorted(workspace.path.rglob("*")) == before


def test_the_time_of_a_head_without_an_earlier_run_is_unknown(workspace):
    found = estimate(workspace, {"head": ["transformer"], "seed": [0, 1]})
    assert (found.done, found.unknown, found.seconds) == (0, 2, 0)


def test_an_estimate_does_not_embed_the_corpus(workspace, tmp_path):
    (tmp_path / "novel.txt").write_text("　雨だ。\n　風だ。\n")
    file = tmp_path / "experiment.toml"
    file.write_text('[corpus]\npath = "novel.txt"\n[[grid]]\nhead = "mlp"\nseed = [0, 1]\n')
    plan = read_experiment(file)
    found = estimate_sweep(workspace, plan)
    assert (found.corpus, found.trials, found.done) == (None, 2, 0)
    assert "novel" not in workspace.corpus_names()


def test_a_corpus_without_the_vectors_of_an_encoder_counts_as_not_embedded(workspace, tmp_path):
    name = workspace.corpus_names()[-1]
    file = tmp_path / "experiment.toml"
    file.write_text(f"""[corpus]\npath = "x"\nname = "{name}"\n[[grid]]\nencoder = "minilm"\n""")
    experiment = read_experiment(file)
    found = estimate_sweep(workspace, experiment)
    assert (found.corpus, found.unknown) == (None, found.trials)


def test_a_dry_run_of_a_selection_needs_only_its_encoders(tmp_path, cli):
    (tmp_path / "experiment.toml").write_text(f"""
[corpus]
path = "{STORIES}"
name = "x"
[[grid]]
head = "mlp"
seed = 0
encoder = ["surface", "minilm"]
""")
    workspace = Workspace(tmp_path / ".segtool")
    embed(STORIES, workspace, name="x", encoder_name="surface")
    done = cli(tmp_path, "sweep", "experiment.toml", "--encoder", "surface", "--dry-run", "--json")
    found = json.loads(done.stdout)
    assert (found["corpus"], found["trials"]) == ("x", 1)


def test_the_time_is_unknown_without_a_train_split(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    embed(STORIES, workspace, encoder_name="surface", split="test")
    found = estimate(workspace, {"head": "mlp", "seed": 0})
    assert (found.trials, found.unknown, found.seconds) == (1, 1, 0)


def test_a_corpus_whose_text_has_changed_counts_as_not_embedded(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    text = tmp_path / "novel.txt"
    shutil.copyfile(STORIES / "eki.txt", text)
    file = tmp_path / "experiment.toml"
    file.write_text("""
[corpus]
path = "novel.txt"
boundary = "indent"
[[grid]]
head = "mlp"
window = 1
seed = 0
epochs = 1
encoder = "surface"
""")
    experiment = read_experiment(file)
    embed_experiment(workspace, experiment)
    train(workspace, experiment.trials[0].options)
    other = replace(experiment.trials[0], encoder="minilm")
    found = estimate_sweep(workspace, replace(experiment, trials=[*experiment.trials, other]))
    assert (found.corpus, found.done) == (None, 0)
    found = estimate_sweep(workspace, experiment)
    assert (found.corpus, found.done) == ("novel", 1)
    text.write_text(text.read_text(encoding="utf-8") + "　雨だ。\n", encoding="utf-8")
    found = estimate_sweep(workspace, experiment)
    assert (found.corpus, found.done, found.unknown) == (None, 0, 1)
