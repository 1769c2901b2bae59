"""Sweeps in real processes: finished trials are skipped, interrupted sweeps are resumed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from embedcache import UserError, encode_sentences
from segclf.corpus import Corpus, Document
from segclf.experiments import sweeps, workers
from segclf.experiments.comparison import compare
from segclf.experiments.grids import Trial, expand
from segclf.experiments.leaderboard import SCORES, leaderboard, run_row, system_labels
from segclf.experiments.sweeps import report, sweep
from segclf.experiments.trials import find_runs, identity_of, with_encoder
from segclf.scoring.metrics import score_at_half
from segclf.tasks.evaluate import evaluate, probabilities_of
from segclf.training.options import TrainingOptions
from segclf.workspace.runs import Run, list_runs, load_run
from segclf.workspace.workspace import EncoderReference, Workspace
from tests.conftest import HANG, STORIES, HashEncoder

GRID = {"head": ["mlp", "bilstm"], "window": 1, "epochs": 2, "seed": [0, 1, 2]}
ON_CPU = {"device": "cpu", "threads": 1}


def embed_hashes(workspace, name="stories", encoder_name="hash"):
    """Embed texts in which the first letter of a sentence shows whether a paragraph begins."""
    random = np.random.default_rng(0)
    documents = []
    for split, count in (("train", 4), ("dev", 2), ("test", 3)):
        for i in range(count):
            labels = random.random(60) < 0.25
            sentences = [f"{'A' if label else 'b'}{random.integers(9**6)}" for label in labels]
            documents.append(Document(f"{split}/{i}", sentences, labels, split=split))
    corpus = Corpus.of(documents, [document.split for document in documents])
    encoder = HashEncoder()
    encode_sentences(corpus.sentences, encoder, workspace.store(create=True))
    reference = EncoderReference(encoder_name, None, encoder.fingerprint)
    workspace.save_corpus(name, corpus, "line", reference)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A workspace in which a grid was swept by two processes."""
    workspace = Workspace(tmp_path_factory.mktemp("swept"))
    embed_hashes(workspace)
    outcomes = sweep(workspace, expand(GRID), jobs=2)
    assert all(outcome.new and outcome.error is None for outcome in outcomes)
    return workspace


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


def test_corpus_and_encoder_of_a_sweep_do_not_change(swept, tmp_path):
    workspace = copied(swept, tmp_path)
    stored = workspace.load_corpus()
    trial = with_encoder(Trial(TrainingOptions(epochs=1)), stored)
    workspace.save_corpus("stories", stored.corpus, "line", EncoderReference("later", None, "0"))
    todo = workspace.path, "stories", stored.digest, trial, ["dev"]
    name, new = workers._complete(*todo, **ON_CPU, wait=True)
    assert new
    assert workers._complete(*todo, **ON_CPU, wait=False) == (name, False)
    assert load_run(workspace, name).encoder == stored.encoder()
    with pytest.raises(UserError, match="changed while the sweep ran"):
        workers._complete(workspace.path, "stories", "0", trial, ["dev"], **ON_CPU, wait=True)


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
        pair = [probabilities_of(*arguments, "test") for arguments in
                ((workspace, alone.run), (swept, beside.run))]  # fmt: skip
        assert np.array_equal(*pair)


def test_runs_of_a_changed_text_are_not_reused(swept, tmp_path):
    workspace = copied(swept, tmp_path)
    path = workspace.path / "corpora/stories.jsonl"
    path.write_text(path.read_text().replace('"digest": "', '"digest": "0'))
    run = list_runs(workspace)[0]
    scores = (run.path / "eval-test.json").read_bytes()
    for score_again in (probabilities_of, lambda *arguments: evaluate(*arguments[:2])):
        with pytest.raises(UserError, match="the corpus stories has changed"):
            score_again(workspace, run, "test")
    assert (run.path / "eval-test.json").read_bytes() == scores
    assert find_runs(swept, expand(GRID), swept.load_corpus()).keys() == set(expand(GRID))
    assert not find_runs(workspace, expand(GRID), workspace.load_corpus())


def test_leaderboard_shows_mean_and_deviation_over_seeds_sorted_by_dev_f1(swept):
    runs = list_runs(swept)
    board = leaderboard(runs)
    assert [system["n"] for system in board] == [3, 3]
    assert board[0]["dev"]["f1"]["mean"] >= board[1]["dev"]["f1"]["mean"]
    for system in board:
        assert system["seeds"] == [0, 1, 2]
        assert "seed" not in system["options"]
        own = [load_run(swept, name) for name in system["runs"]]
        assert {run.record.head for run in own} == {system["options"]["head"]}
        for split in ("dev", "test"):
            saved = [json.loads((run.path / f"eval-{split}.json").read_text()) for run in own]
            for name in SCORES:
                values = [record[name] for record in saved]
                assert system[split][name]["mean"] == pytest.approx(np.mean(values))
                assert system[split][name]["std"] == pytest.approx(np.std(values, ddof=1))
        seconds = [run.record.seconds_per_epoch for run in own]
        assert system["seconds_per_epoch"]["mean"] == pytest.approx(np.mean(seconds))
    alone = leaderboard(runs[:1])[0]
    assert alone["test"]["f1"]["std"] is None


def test_labels_of_systems_name_the_options_that_differ():
    plain = {"head": "mlp", "window": 2, "loss": "cross-entropy", "gamma": 2.0, "seed": 1}
    focal = plain | {"loss": "focal"}
    assert system_labels([plain, focal]) == ["mlp, window 2", "mlp, window 2, focal 2"]
    rates = [plain | {"learning_rate": rate} for rate in (1e-5, 1e-3)]
    assert system_labels(rates) == [
        "mlp, window 2, learning rate 1e-05",
        "mlp, window 2, learning rate 0.001",
    ]
    tuned = {"head": "cross-segment", "sides": "tokens:64", "window": None, "loss": "balanced"}
    assert system_labels([tuned]) == ["cross-segment, tokens 64, balanced"]


def test_a_failed_trial_does_not_stop_the_others(swept, tmp_path):
    workspace = copied(swept, tmp_path)
    path = workspace.path / "corpora/stories.jsonl"
    header, body = path.read_text().split("\n", 1)
    content = json.loads(header)
    content["encoders"].insert(0, {"name": "lost", "pooling": None, "fingerprint": "0" * 32})
    path.write_text(json.dumps(content) + "\n" + body)
    options = TrainingOptions(head="mlp", window=1, epochs=1)
    content = report(sweep(workspace, [Trial(options, "lost"), Trial(options, "hash")], jobs=1))
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
        ({}, {"corpus_name": "novels"}, "no corpus 'novels'"),
    ],
)
def test_mistakes_are_reported_before_training(swept, grid, options, message):
    before = len(list_runs(swept))
    with pytest.raises(UserError, match=message):
        sweep(swept, expand(grid), **options)
    assert len(list_runs(swept)) == before


def test_two_runs_are_compared_on_the_test_split(swept):
    first, second = list_runs(swept)[:2]
    content = compare(swept, first, second).to_dict()
    assert (content["unit"], content["units"], content["few_documents"]) == ("document", 3, True)
    saved = [json.loads((run.path / "eval-test.json").read_text()) for run in (first, second)]
    for name in ("f1", "pk"):
        assert content[name]["difference"] == pytest.approx(saved[0][name] - saved[1][name])
        assert content[name]["low"] <= content[name]["difference"] <= content[name]["high"]


def test_runs_of_different_corpora_are_not_compared(swept, tmp_path):
    workspace = copied(swept, tmp_path)
    first, second = list_runs(workspace)[:2]
    other = Run(second.path, replace(second.record, corpus="others"))
    with pytest.raises(UserError, match="choose runs trained on the same corpus"):
        compare(workspace, first, other)
    changed = Run(second.path, replace(second.record, corpus_digest="0"))
    with pytest.raises(UserError, match="the corpus stories changed between"):
        compare(workspace, first, changed)


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
    """Start a sweep of four trials, one of which never ends."""
    (folder / "endless.toml").write_text(ENDLESS)
    script = str(Path(sys.executable).parent / "segtool")
    command = [script, "sweep", "endless.toml", *(options or ("--jobs", "2"))]
    environment = {k: v for k, v in os.environ.items() if k != "SEGTOOL_HOME"}
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, start_new_session=True,
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


def test_ctrl_c_keeps_finished_runs_and_the_same_command_resumes(tmp_path, segtool):
    workspace = Workspace(tmp_path / ".segtool")
    embed_hashes(workspace)
    process = start_sweep(tmp_path)
    wait_for_a_run(workspace, process)
    os.killpg(process.pid, signal.SIGINT)  # like a terminal, which also signals the workers
    _, stderr = process.communicate(timeout=HANG)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith("Interrupted. Finished work is saved.")
    assert group_is_gone(process.pid)
    kept = len(list_runs(workspace))
    assert 1 <= kept < 4
    done = segtool(tmp_path, "sweep", "endless.toml", "--set", "epochs=2", "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["done_before"] + content["done_now"] == 3
    assert content["done_before"] >= kept - 1  # a run that was trained but not scored is not done
    assert len(list_runs(workspace)) == 3
    assert content["systems"][0]["n"] == 3


def test_parallel_sweeps_train_each_trial_once(tmp_path):
    workspace = Workspace(tmp_path / ".segtool")
    embed_hashes(workspace)
    options = ["--seed", "1,2", "--set", "epochs=2", "--jobs", "1", "--json"]
    pair = [start_sweep(tmp_path, *options) for _ in range(2)]
    contents = []
    for process in pair:
        output, errors = process.communicate(timeout=300)
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
    todo = workspace.path, "stories", stored.digest, trial, ["dev"]
    hold = (
        "import sys, time; from filelock import FileLock; lock = FileLock(sys.argv[1]); "
        "lock.acquire(); "
        "print('held', flush=True); time.sleep(600)"
    )
    path = workers._lock(workspace, identity_of(stored, trial)).lock_file
    command = [sys.executable, "-c", hold, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "held\n"
            assert workers._complete(*todo, **ON_CPU, wait=False) is None
        finally:
            process.kill()
    assert workers._complete(*todo, **ON_CPU, wait=True) is not None


def test_a_killed_sweep_leaves_no_process_behind(tmp_path):
    workspace = Workspace(tmp_path / ".segtool")
    embed_hashes(workspace)
    process = start_sweep(tmp_path)
    wait_for_a_run(workspace, process)
    process.kill()
    process.communicate(timeout=HANG)
    assert group_is_gone(process.pid)
    assert len(list_runs(workspace)) < 4


def test_a_gpu_runs_one_trial_at_a_time():
    assert sweeps._default_jobs("cuda", 1) == sweeps._default_jobs("mps", 1) == 1
    assert sweeps._default_jobs("cpu", 1) == os.cpu_count()
    assert sweeps._default_jobs("cpu", 10_000) == 1


def copied(workspace, folder):
    """Copy a workspace."""
    shutil.copytree(workspace.path, folder / "copy")
    return Workspace(folder / "copy")


def test_an_experiment_file_embeds_its_corpus_and_single_trials_can_be_run(
    trained, tmp_path, segtool
):
    shutil.copytree(trained / ".segtool/store", tmp_path / ".segtool/store")
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/one.toml").write_text(
        f'[corpus]\npath = "{STORIES}"\nname = "tales"\n'
        '[[grid]]\nhead = ["mlp", "bilstm"]\nwindow = [1, 2]\nepochs = 1\nseed = 0\n'
        'encoder = "surface"\n'
    )
    command = ("sweep", "experiments/one.toml", "--head", "mlp", "--jobs", "1")
    done = segtool(tmp_path, *command, "--window", "2", "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert (content["corpus"], content["trials"], content["done_now"]) == ("tales", 1, 1)
    shown = segtool(tmp_path, *command).stdout
    assert "mlp, window 2" in shown
    assert "2 runs: 1 trained, 1 reused\n" in shown
    twice = segtool(tmp_path, *command, "--corpus", "tales")
    assert twice.returncode == 2
    assert "leave out --corpus" in twice.stderr
    listed = json.loads(segtool(tmp_path, "runs", "--json").stdout)["runs"]
    assert [row["options"]["window"] for row in listed] == [2, 1]
    assert listed[0]["test"]["f1"] is not None
    compared = segtool(tmp_path, "compare", *(row["run"] for row in listed)).stdout
    assert "because the split is one document" in " ".join(compared.split())
