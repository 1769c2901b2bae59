"""Sweeps in real processes: finished trials are skipped, missing ones are run."""

import json
import multiprocessing
import os
import shutil
from dataclasses import asdict

import numpy as np
import pytest
from xxhash import xxh3_128_hexdigest

from embedcache import UserError
from embedcache.encoders.processor import available_cores
from segclf.experiments import sweeps, workers
from segclf.experiments.grids import Trial, expand
from segclf.experiments.leaderboard import run_row
from segclf.experiments.sweeps import sweep, sweep_content
from segclf.experiments.trials import find_runs, with_encoder
from segclf.scoring.metrics import score_at_half
from segclf.tasks.evaluate import evaluate, probabilities_of
from segclf.training.options import TrainingOptions
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.files import with_checksum
from segclf.workspace.runs import list_runs, load_run
from segclf.workspace.workspace import Workspace
from tests.conftest import STORIES
from tests.segclf.experiments.corpora import GRID, copied, embed_hashes

ON_CPU = {"compute": workers.TrialCompute("cpu", 1, 1.0)}


def test_every_trial_gets_a_scored_run_and_is_not_repeated(swept):
    trials = expand(GRID)
    before = {path: path.stat().st_mtime_ns for path in swept.runs.rglob("*")}
    outcomes = sweep(swept, trials)
    assert [outcome.trial for outcome in outcomes] == trials
    assert not any(outcome.new for outcome in outcomes)
    assert {path: path.stat().st_mtime_ns for path in swept.runs.rglob("*")} == before
    for outcome in outcomes:
        assert outcome.run.record.options == asdict(outcome.trial.options)
        assert outcome.run.record.machine.threads == 1
        for split in ("dev", "test"):
            saved = json.loads((outcome.run.path / f"eval-{split}.json").read_text())
            part = swept.load_corpus().corpus.select(split)
            probabilities = probabilities_of(swept, outcome.run, split)
            assert saved["at_half"] == score_at_half(part.layout, probabilities)
    assert len(list_runs(swept)) == len(trials)


def test_trials_with_default_options_are_not_repeated(swept, tmp_path):
    workspace = copied(swept, tmp_path)
    trials = [Trial(TrainingOptions(epochs=1))]
    for new in (True, False):
        assert [outcome.new for outcome in sweep(workspace, trials, jobs=1)] == [new]


def test_one_trial_at_a_time_starts_no_process(swept, tmp_path, monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_context", pytest.fail)
    trials = [Trial(TrainingOptions(head="mlp", epochs=1, seed=seed)) for seed in (7, 8)]
    outcomes = sweep(copied(swept, tmp_path), trials, jobs=1)
    assert [outcome.run.record.machine.threads for outcome in outcomes] == [1, 1]


def test_trials_may_read_vectors_from_files(swept, tmp_path):
    workspace = copied(swept, tmp_path)
    (outcome,) = sweep(workspace, [Trial(TrainingOptions(epochs=1))], jobs=1, memory=0)
    assert outcome.run
    with pytest.raises(UserError, match="memory is -1: use a number of gigabytes"):
        sweep(workspace, [Trial(TrainingOptions(epochs=2))], memory=-1)


def test_corpus_and_encoder_of_a_sweep_do_not_change(swept, tmp_path):
    workspace = copied(swept, tmp_path)
    stored = workspace.load_corpus()
    trial = with_encoder(Trial(TrainingOptions(epochs=1)), stored)
    later = EncoderReference("later", None, "0" * 32)
    workspace.save_corpus("stories", stored.corpus, "line", later)
    task = workspace.path, "stories", stored.digest, trial, ["dev"]
    name, new = workers.complete_trial(*task, **ON_CPU, wait=True)
    assert new
    assert workers.complete_trial(*task, **ON_CPU, wait=False) == (name, False)
    assert load_run(workspace, name).encoder == stored.encoder()
    with pytest.raises(UserError, match="changed while the sweep ran"):
        workers.complete_trial(workspace.path, "stories", "0", trial, ["dev"], **ON_CPU, wait=True)


def test_missing_runs_and_scores_are_computed(swept, tmp_path):
    workspace = copied(swept, tmp_path)
    (list_runs(workspace)[0].path / "eval-test.json").unlink()
    shutil.rmtree(list_runs(workspace)[1].path)
    outcomes = sweep(workspace, expand(GRID), jobs=1)
    assert sum(outcome.new for outcome in outcomes) == 2
    assert len(list_runs(workspace)) == len(outcomes)
    assert all(run_row(run)["test"]["f1"] is not None for run in list_runs(workspace))


def test_probabilities_do_not_depend_on_the_number_of_jobs(swept, tmp_path):
    trials = expand(GRID | {"seed": 1})
    workspace = Workspace(tmp_path)
    embed_hashes(workspace)
    for alone, beside in zip(sweep(workspace, trials, jobs=1), sweep(swept, trials), strict=True):
        expected = probabilities_of(workspace, alone.run, "test")
        assert np.array_equal(probabilities_of(swept, beside.run, "test"), expected)


def test_runs_of_a_changed_text_are_not_reused(swept, tmp_path):
    workspace = copied(swept, tmp_path)
    path = workspace.path / "corpora/stories.jsonl"
    header, body = path.read_text().split("\n", 1)
    body = body.replace('"b', '"c', 1)
    digest = xxh3_128_hexdigest(body.removesuffix("\n").encode())
    header = json.dumps(with_checksum(json.loads(header) | {"digest": digest}))
    path.write_text(f"{header}\n{body}")
    run = list_runs(workspace)[0]
    scores = (run.path / "eval-test.json").read_bytes()
    with pytest.raises(UserError, match="the corpus stories has changed"):
        probabilities_of(workspace, run, "test")
    with pytest.raises(UserError, match="the corpus stories has changed"):
        evaluate(workspace, run)
    assert (run.path / "eval-test.json").read_bytes() == scores
    assert find_runs(swept, expand(GRID), swept.load_corpus()).keys() == set(expand(GRID))
    assert not find_runs(workspace, expand(GRID), workspace.load_corpus())


def test_a_failed_trial_does_not_stop_the_others(swept, tmp_path):
    workspace = copied(swept, tmp_path)
    path = workspace.path / "corpora/stories.jsonl"
    header, body = path.read_text().split("\n", 1)
    content = json.loads(header)
    content["encoders"].insert(0, {"name": "lost", "pooling": None, "fingerprint": "0" * 32})
    path.write_text(json.dumps(with_checksum(content)) + "\n" + body)
    options = TrainingOptions(head="mlp", window=1, epochs=1)
    outcomes = sweep(workspace, [Trial(options, "lost"), Trial(options, "hash")], jobs=1)
    content = sweep_content(outcomes)
    (failed,) = content["failed"]
    assert failed["encoder"] == "lost"
    assert "no vectors from the encoder" in failed["error"]
    assert [system["encoder"] for system in content["systems"]] == ["hash"]
    assert (content["trials"], content["done_now"], content["done_before"]) == (2, 1, 0)


@pytest.mark.parametrize(
    ("grid", "options", "message"),
    [
        ({"head": "gru"}, {}, "head: must be 'mlp', .*, not 'gru'"),
        ({"loss": "hinge"}, {}, "loss: must be .*, not 'hinge'"),
        ({"epochs": [1, 0]}, {}, "epochs: must be greater than 0, not 0"),
        ({"encoder": "minilm"}, {}, "not embedded with minilm"),
        ({}, {"jobs": 0}, "jobs is 0"),
        ({}, {"device": "cuda:99"}, "--device cuda:99: "),
        ({}, {"engine": "ray", "device": "cuda:1"}, "with --engine ray, use cpu or cuda"),
        ({}, {"threads": 5000}, "--threads 5000: use 4096 or fewer"),
        ({}, {"corpus_name": "novels"}, "no corpus 'novels'"),
    ],
)
def test_mistakes_are_reported_before_training(swept, grid, options, message):
    before = len(list_runs(swept))
    with pytest.raises(UserError, match=message):
        sweep(swept, expand(grid), **options)
    assert len(list_runs(swept)) == before


def test_a_gpu_runs_one_trial_at_a_time():
    assert sweeps.default_jobs("cuda", 1) == sweeps.default_jobs("mps", 1) == 1
    assert sweeps.default_jobs("cpu", 1) == available_cores()
    assert sweeps.default_jobs("cpu", 10_000) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_by_default_a_sweep_uses_the_cores_that_its_process_may_use():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert sweeps.default_jobs("cpu", 1) == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    "option", [("--jobs", "0"), ("--device", "cuda:99"), ("--threads", "5000"), ("--memory", "-1")]
)
def test_mistakes_are_reported_before_the_corpus_of_an_experiment_is_embedded(
    tmp_path, cli, option
):
    (tmp_path / "one.toml").write_text(
        f'[corpus]\npath = "{STORIES}"\n[[grid]]\nencoder = "surface"\n'
    )
    for dry_run in ((), ("--dry-run",)):
        done = cli(tmp_path, "sweep", "one.toml", *option, *dry_run)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["one.toml"]


def test_an_experiment_file_embeds_its_corpus_and_single_trials_can_be_run(trained, tmp_path, cli):
    shutil.copytree(trained / ".segtool/store", tmp_path / ".segtool/store")
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/one.toml").write_text(
        f'[corpus]\npath = "{STORIES}"\nname = "tales"\n'
        '[[grid]]\nhead = ["mlp", "bilstm"]\nwindow = [1, 2]\nepochs = 1\nseed = 0\n'
        'encoder = "surface"\n'
    )
    command = ("sweep", "experiments/one.toml", "--head", "mlp", "--jobs", "1")
    done = cli(tmp_path, *command, "--window", "2", "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert (content["corpus"], content["trials"], content["done_now"]) == ("tales", 1, 1)
    shown = cli(tmp_path, *command).stdout
    assert "mlp, window 2" in shown
    assert "2 runs: 1 trained, 1 reused\n" in shown
    twice = cli(tmp_path, *command, "--corpus", "tales")
    assert twice.returncode == 2
    assert "leave out --corpus" in twice.stderr
    listed = json.loads(cli(tmp_path, "runs", "--json").stdout)["runs"]
    assert [row["options"]["window"] for row in listed] == [2, 1]
    assert listed[0]["test"]["f1"] is not None
    compared = cli(tmp_path, "compare", *(row["run"] for row in listed)).stdout
    assert "because the split is one document" in " ".join(compared.split())
