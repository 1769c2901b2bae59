"""Fine-tuned runs on the command line: real processes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from embedcache import UserError
from segclf import Run, Workspace
from segclf.corpus import Corpus
from segclf.corpus.documents import Document
from segclf.finetune import CrossSegmentOptions, HierarchicalOptions, finetune
from segclf.finetune.runs import locked
from segclf.workspace import EncoderReference
from tests.segclf.finetune.toy import corpus

HIERARCHICAL = ["hierarchical", "--upper", "transformer", "--batch-size", "8"]


def workspace_of(folder: Path) -> Path:
    """Make a workspace with the toy corpus, as if it had been embedded."""
    parts = {split: corpus(i, split=split) for i, split in enumerate(("train", "dev", "test"))}
    documents = [
        Document(part.document_ids[i], part.sentences[a:b], part.labels[a:b])
        for part in parts.values()
        for i, (a, b) in enumerate(zip(part.offsets, part.offsets[1:], strict=False))
    ]
    whole = Corpus.of(documents, [split for split, part in parts.items() for _ in part.splits])
    encoder = EncoderReference("none", None, "0" * 32)
    Workspace(folder / ".segtool").save_corpus("toy", whole, "kuten", encoder)
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory, segtool, tiny_bert):
    """A folder with a finished run, and what was printed."""
    folder = workspace_of(tmp_path_factory.mktemp("finetuned"))
    options = ["--encoder", tiny_bert, "--learning-rate", "3e-3", "--batch-size", "16"]
    done = segtool(folder, "finetune", "cross-segment", *options, "--epochs", "3")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_a_run_is_recorded_like_any_other(finished):
    folder, printed = finished
    run = folder / ".segtool/runs/cross-segment-sentences1-001"
    record = json.loads((run / "run.json").read_text())
    assert {path.name for path in run.iterdir()} == {
        "run.json",
        "weights.safetensors",
        "history.png",
    }
    assert record["kind"] == "cross-segment"
    assert record["options"]["sides"] == "sentences:1"
    assert [epoch["epoch"] for epoch in record["history"]] == [0, 1, 2, 3]
    best = max(record["history"][1:], key=lambda epoch: epoch["f1"])
    assert best["epoch"] == record["best_epoch"]
    assert record["parameters"] > record["trainable_parameters"] > 0
    assert record["seconds_per_epoch"] > 0
    assert record.keys() >= {"corpus", "counts", "device", "precision", "versions", "dev", "dim"}
    first, second, *_ = printed.splitlines()
    assert f"{record['parameters']:,} parameters" in first
    assert f"{record['trainable_parameters']:,} of them trainable" in first
    assert second.split() == ["epoch", "loss", "dev", "precision", "recall", "F1", "seconds"]


def test_a_run_is_scored_and_segments(finished, segtool):
    folder, _ = finished
    done = segtool(folder, "eval", "--json")
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout)
    assert scores["f1"] > 0.9
    assert scores["predict_seconds"] > 0
    assert (scores["head"], scores["window"]) == ("cross-segment", 1)
    done = segtool(folder, "segment", "-", input="夜の人。見た目。雨の家。時の前。")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "夜の人。見た目。\n\n雨の家。時の前。"


def test_ctrl_c_and_the_same_command_again(finished, segtool, tiny_bert, tmp_path):
    folder = workspace_of(tmp_path)
    arguments = ["finetune", *HIERARCHICAL, "--encoder", tiny_bert, "--epochs", "4", "--json"]
    command = [str(Path(sys.executable).parent / "segtool"), *arguments]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        run = folder / ".segtool/runs/hierarchical-transformer-w1-001"
        deadline = time.monotonic() + 120
        while not (run / "weights.safetensors").exists():  # an epoch is over
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        stderr = process.communicate()[1]
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert not (run / "run.json").exists()
    assert "nothing is trained" in segtool(folder, "eval").stderr
    resumed = json.loads(segtool(folder, *arguments).stdout)
    assert resumed["run"] == run.name
    whole = json.loads(segtool(finished[0], *arguments).stdout)

    def without_seconds(workspace):
        history = json.loads((workspace / ".segtool/runs" / run.name / "run.json").read_text())
        return [epoch | {"seconds": 0} for epoch in history["history"]]

    assert whole["run"] == run.name
    assert without_seconds(folder) == without_seconds(finished[0])
    weights = f".segtool/runs/{run.name}/weights.safetensors"
    assert (folder / weights).read_bytes() == (finished[0] / weights).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cross-segment", "--sides", "x"], "take sentences:N or tokens:N"),
        (["cross-segment", "--sides", "tokens:128"], "take at most tokens:30"),
        (["cross-segment", "--encoder", "./nowhere"], "no encoder './nowhere'"),
        (["tree"], "No such command 'tree'"),
    ],
)
def test_a_mistake_gets_one_line_and_changes_nothing(
    tmp_path, segtool, tiny_bert, arguments, message
):
    folder = workspace_of(tmp_path)
    before = sorted(folder.rglob("*"))
    encoder = [] if "--encoder" in arguments or "tree" in arguments else ["--encoder", tiny_bert]
    done = segtool(folder, "finetune", *arguments, *encoder)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (CrossSegmentOptions(loss="focl"), "unknown loss 'focl'"),
        (CrossSegmentOptions(gamma=-1), "gamma -1"),
        (CrossSegmentOptions(seed=1 << 31), "seed is 2147483648"),
        (HierarchicalOptions(upper_learning_rate=0), "upper learning rate is 0"),
    ],
)
def test_options_that_cannot_be_are_told_first(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        finetune(Workspace(tmp_path), options)


def test_two_processes_do_not_train_one_run(tmp_path):
    with locked(tmp_path), pytest.raises(UserError, match="by another process"), locked(tmp_path):
        pass


def test_nothing_embedded_is_told(tmp_path):
    with pytest.raises(UserError, match="nothing is embedded"):
        finetune(Workspace(tmp_path), CrossSegmentOptions())


def test_a_record_of_before_is_that_of_a_head(tmp_path):
    assert Run(tmp_path, {"options": {"head": "mlp"}}).kind == "head"
