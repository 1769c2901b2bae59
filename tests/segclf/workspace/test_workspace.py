"""Files of the workspace: the latest corpus and run, and damaged files."""

import gc
import json
import os
import re
import shutil
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pytest

from embedcache import UserError
from segclf.corpus import Corpus
from segclf.corpus.documents import Document
from segclf.tasks.evaluate import evaluate
from segclf.tasks.evaluation_files import read_evaluation
from segclf.tasks.train import train
from segclf.training.options import TrainingOptions
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.files import with_checksum
from segclf.workspace.records import RunRecord
from segclf.workspace.runs import list_runs, load_run
from segclf.workspace.workspace import Workspace
from tests.segclf.experiments.corpora import embed_hashes

QUICK = TrainingOptions(head="mlp", window=1, epochs=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace with two corpora, the latest of which is "stories", and two runs."""
    workspace = Workspace(tmp_path_factory.mktemp("made"))
    for name in ("stories", "other", "stories"):
        embed_hashes(workspace, name)
    for _ in range(2):
        train(workspace, QUICK)
    return workspace


@pytest.fixture
def workspace(made, tmp_path):
    """A copy of `made` whose files have very old modification times, in reverse order."""
    shutil.copytree(made.path, tmp_path / "copy")
    for age, path in enumerate(sorted((tmp_path / "copy").rglob("*.json*"))):
        os.utime(path, (1000 - age, 1000 - age))
    return Workspace(tmp_path / "copy")


def warnings_in(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "segclf"]


def test_a_copy_has_the_same_latest_corpus_and_run(workspace):
    assert workspace.corpus_names() == ["other", "stories"]
    assert workspace.load_corpus().name == "stories"
    assert [run.name for run in list_runs(workspace)] == ["mlp-w1-001", "mlp-w1-002"]
    assert load_run(workspace).name == "mlp-w1-002"


def test_records_with_times_in_seconds_are_sorted(workspace):
    path = workspace.runs / "mlp-w1-002" / "run.json"
    record = json.loads(path.read_text())
    record = with_checksum(record | {"created": "2026-01-01T00:00:00+00:00"})
    path.write_text(json.dumps(record))
    assert load_run(workspace).name == "mlp-w1-001"


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"format": 1}'])
def test_a_damaged_run_is_skipped_with_one_warning(workspace, caplog, content):
    path = workspace.runs / "mlp-w1-002" / "run.json"
    path.write_text(content)
    for _ in range(2):
        assert [run.name for run in list_runs(workspace)] == ["mlp-w1-001"]
    assert load_run(workspace).name == "mlp-w1-001"
    (warning,) = warnings_in(caplog)
    assert str(path) in warning
    assert "delete its folder" in warning
    with pytest.raises(UserError, match=r"mlp-w1-002/run\.json is damaged"):
        load_run(workspace, "mlp-w1-002")
    assert train(workspace, QUICK).name == "mlp-w1-003"


@pytest.mark.parametrize("content", ["", "{}", "null", '{"encoders": 1}'])
def test_a_damaged_corpus_is_skipped_with_one_warning(workspace, caplog, content):
    path = workspace.path / "corpora" / "stories.jsonl"
    path.write_text(content)
    for _ in range(2):
        assert workspace.load_corpus().name == "other"
    (warning,) = warnings_in(caplog)
    assert str(path) in warning
    with pytest.raises(UserError, match="--name stories again"):
        workspace.load_corpus("stories")
    embed_hashes(workspace, "stories")
    assert workspace.load_corpus().name == "stories"


def test_a_corpus_of_a_newer_version_is_not_read(workspace, caplog):
    path = workspace.path / "corpora" / "stories.jsonl"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2', 1))
    assert workspace.load_corpus().name == "other"
    with pytest.raises(UserError, match=r"stories.jsonl has format 2, .*: upgrade segtool$"):
        workspace.load_corpus("stories")


def test_a_corpus_has_the_name_of_its_file(workspace):
    path = workspace.path / "corpora" / "stories.jsonl"
    path.rename(path.with_name("renamed.jsonl"))
    assert workspace.corpus_names() == ["other", "renamed"]
    assert workspace.load_corpus("renamed").name == workspace.load_corpus().name == "renamed"


def test_damaged_scores_are_computed_again(workspace):
    run = load_run(workspace)
    evaluate(workspace, run, split="dev")
    (run.path / "eval-dev.json").write_text("")
    assert read_evaluation(run, "dev") is None
    evaluate(workspace, run, split="dev")
    assert read_evaluation(run, "dev")["split"] == "dev"


@pytest.mark.parametrize(
    ("name", "value"), [("f1", "0.9"), ("pk", True), ("at_half", {"f1": "0.5"})]
)
def test_scores_of_a_wrong_type_are_damaged(workspace, name, value):
    run = load_run(workspace)
    evaluate(workspace, run, split="dev")
    path = run.path / "eval-dev.json"
    path.write_text(json.dumps(with_checksum({**json.loads(path.read_text()), name: value})))
    assert read_evaluation(run, "dev") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"labels": [1,', '"labels": ['),  # one label fewer than sentences
        ('"labels": [1,', '"labels": [1, 0,'),
        ('"counts": {', '"counts": {"train": 5}, "unused": {'),
        ('"source": ', '"source": 3, "unused": '),
    ],
)
def test_a_corpus_file_of_an_early_version_is_checked_too(workspace, old, new):
    path = workspace.path / "corpora" / "stories.jsonl"
    text = re.sub(r', "checksum": "\w+"', "", path.read_text(), count=1)
    path.write_text(text)
    assert workspace.load_corpus("stories").name == "stories"
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError, match="--name stories again"):
        workspace.load_corpus("stories")


def test_a_run_named_by_its_absolute_path_keeps_its_scores(workspace, monkeypatch):
    monkeypatch.chdir(workspace.path.parent)
    relative = Workspace(workspace.path.name)
    run = load_run(relative, str(workspace.runs / "mlp-w1-001"))
    evaluate(relative, run, split="test")
    assert (workspace.runs / "mlp-w1-001" / "eval-test.json").exists()


def test_an_encoder_with_several_poolings_needs_one_to_be_chosen(workspace):
    stored = workspace.load_corpus()
    for pooling in ("mean", "tokens"):
        reference = EncoderReference("words", pooling, "0" * 32)
        workspace.save_corpus("stories", stored.corpus, "line", reference)
    stored = workspace.load_corpus()
    assert stored.encoder().pooling == "tokens"
    assert stored.encoder("words", "mean").pooling == "mean"
    with pytest.raises(UserError, match="choose --pooling mean or tokens"):
        stored.encoder("words")


def test_runs_that_are_replaced_are_not_kept_in_memory(workspace):
    path = workspace.runs / "mlp-w1-002" / "run.json"
    record = json.loads(path.read_text())

    def in_memory():
        gc.collect()
        return sum(type(each) is RunRecord for each in gc.get_objects())

    before = in_memory()
    for number in range(10):
        path.unlink()
        path.write_text(json.dumps(with_checksum(record | {"corpus": f"corpus {number}"})))
        os.utime(path, (number, number))
        assert f"corpus {number}" in {run.record.corpus for run in list_runs(workspace)}
    assert in_memory() <= before + 2


def test_processes_that_save_one_corpus_keep_all_its_encoders(tmp_path):
    names = [f"encoder{number}" for number in range(6)]
    with ProcessPoolExecutor(len(names)) as pool:
        list(pool.map(partial(save_with_encoder, tmp_path), names))
    assert sorted(one.name for one in Workspace(tmp_path).load_corpus("x").encoders) == names


def save_with_encoder(path, name):
    reference = EncoderReference(name, None, f"{int(name[-1]):032}")
    document = Document("a", ["One.", "Two."], np.array([True, False]))
    Workspace(path).save_corpus("x", Corpus.of([document], ["train"]), "line", reference)
