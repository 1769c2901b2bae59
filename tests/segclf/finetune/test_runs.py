"""Fine-tuned runs on the command line."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from embedcache import UserError
from segclf import BoundaryClassifier, evaluate
from segclf.corpus import Corpus
from segclf.corpus.documents import Document
from segclf.finetune import CrossSegmentOptions, HierarchicalOptions, finetune, runs
from segclf.finetune.options import options_from
from segclf.finetune.runs import locked
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.runs import load_run
from segclf.workspace.workspace import Workspace
from segtool.app import app
from tests.segclf.finetune.toy import corpus

HIERARCHICAL = ["hierarchical", "--upper", "transformer", "--batch-size", "8"]


def workspace_of(folder: Path) -> Path:
    """Make a workspace with the toy corpus, as if the corpus had been embedded."""
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
def finished(tmp_path_factory, tiny_bert):
    """A folder with a finished run, and the printed output."""
    folder = workspace_of(tmp_path_factory.mktemp("finetuned"))
    options = ["--encoder", tiny_bert, "--learning-rate", "3e-3", "--batch-size", "16"]
    options += ["--device", "cpu", "--precision", "bfloat16", "--threads", "2"]
    options += ["--epochs", "3", "--workspace", str(folder / ".segtool")]
    done = CliRunner().invoke(app, ["finetune", "cross-segment", *options])
    assert done.exit_code == 0, done.output
    return folder, done.stdout


def test_a_run_has_a_complete_record(finished):
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
    assert (record["device"], record["precision"]) == ("cpu", "bfloat16")
    assert (record["machine"]["device"], record["machine"]["threads"]) == ("cpu", 2)
    first, second, *_ = printed.splitlines()
    assert f"{record['parameters']:,} parameters" in first
    assert f"{record['trainable_parameters']:,} trainable" in first
    assert second.split() == ["epoch", "loss", "dev", "precision", "recall", "F1", "seconds"]


def test_a_run_can_be_scored_and_can_segment_text(finished, cli):
    folder, _ = finished
    done = cli(folder, "eval", "--json")
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout)
    assert scores["f1"] > 0.9
    assert scores["predict_seconds"] > 0
    assert (scores["head"], scores["window"]) == ("cross-segment", 1)
    done = cli(folder, "segment", "-", input="夜の人。見た目。雨の家。時の前。")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "夜の人。見た目。\n\n雨の家。時の前。"


def test_a_run_is_not_a_classifier_of_sentence_vectors(finished):
    folder, _ = finished
    run = folder / ".segtool/runs/cross-segment-sentences1-001"
    with pytest.raises(UserError, match=r"is a fine-tuned Transformer, .* segtool segment --run"):
        BoundaryClassifier.from_pretrained(run)


def test_a_run_is_exported_with_the_model_it_was_trained_from(finished, cli, tmp_path):
    folder, _ = finished
    run = "cross-segment-sentences1-001"
    done = cli(folder, "export", run, str(tmp_path / "model"), "--with-encoder")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "model/config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["encoder"]["name"] = "/of/another/machine"
    del config["checksum"]
    path.write_text(json.dumps(config), encoding="utf-8")
    done = cli(tmp_path, "segment", "-", "--run", "model", input="夜の人。見た目。雨の家。")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "夜の人。見た目。\n\n雨の家。"


STOPPING = """
import signal
from segclf.finetune import training
from segtool.app import main

step = training._Trainer._step

def press_ctrl_c(trainer, group, number):
    if number == 60:  # in the second epoch
        signal.raise_signal(signal.SIGINT)
    return step(trainer, group, number)

training._Trainer._step = press_ctrl_c
main()
"""


def test_the_same_command_continues_after_ctrl_c(finished, cli, tiny_bert, tmp_path):
    folder = workspace_of(tmp_path)
    run = folder / ".segtool/runs/hierarchical-transformer-w1-001"
    arguments = ["finetune", *HIERARCHICAL, "--encoder", tiny_bert, "--epochs", "2", "--json"]
    command = [sys.executable, "-c", STOPPING, *arguments]
    stopped = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert stopped.returncode == 130
    assert "Traceback" not in stopped.stderr
    assert (run / "weights.safetensors").exists()
    assert not (run / "run.json").exists()
    assert "nothing is trained" in cli(folder, "eval").stderr
    resumed = json.loads(cli(folder, *arguments).stdout)
    assert resumed["run"] == run.name
    whole = json.loads(cli(finished[0], *arguments).stdout)

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
        (["cross-segment", "--sides", "x"], "sides: must be sentences:N or tokens:N"),
        (["cross-segment", "--sides", "tokens:128"], "use at most tokens:30"),
        (["cross-segment", "--encoder", "./nowhere"], "unknown encoder './nowhere'"),
        (["cross-segment", "--precision", "float16"], "fine-tuning: use float32 or bfloat16"),
        (["cross-segment", "--device", "cuda:99"], "--device cuda:99: "),
        (["cross-segment", "--threads", "0"], "--threads 0: use 1 or more"),
        (["tree"], "No such command 'tree'"),
    ],
)
def test_a_mistake_gets_one_line_and_changes_nothing(tmp_path, cli, tiny_bert, arguments, message):
    folder = workspace_of(tmp_path)
    before = sorted(folder.rglob("*"))
    encoder = [] if "--encoder" in arguments or "tree" in arguments else ["--encoder", tiny_bert]
    done = cli(folder, "finetune", *arguments, *encoder)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("system", "options", "message"),
    [
        (CrossSegmentOptions, {"loss": "focl"}, "loss: must be 'cross-entropy', .*, not 'focl'"),
        (CrossSegmentOptions, {"loss": "focal", "gamma": -1}, "gamma: must be greater .*, not -1"),
        (CrossSegmentOptions, {"gamma": 3}, "gamma 3 has no effect on the loss cross-entropy"),
        (CrossSegmentOptions, {"learning_rate": math.nan}, "learning rate: must be a finite"),
        (CrossSegmentOptions, {"loss": "focal", "gamma": math.nan}, "gamma: must be a finite"),
        (HierarchicalOptions, {"upper_learning_rate": math.inf}, "upper learning rate: must be a"),
        (HierarchicalOptions, {"weight_decay": math.nan}, "weight decay: must be a finite number"),
        (CrossSegmentOptions, {"seed": 1 << 31}, "seed: must be less .*, not 2147483648"),
        (HierarchicalOptions, {"upper_learning_rate": 0}, "upper learning rate: must be greater"),
        (CrossSegmentOptions, {"sides": "x"}, "sides: must be sentences:N or tokens:N"),
    ],
)
def test_invalid_options_are_reported_first(system, options, message):
    with pytest.raises(UserError, match=message) as caught:
        system(**options)
    assert "\n" not in str(caught.value)


def test_two_processes_do_not_train_the_same_run(tmp_path):
    with locked(tmp_path), pytest.raises(UserError, match="by another process"), locked(tmp_path):
        pass


def test_a_run_that_another_process_has_finished_is_not_trained_again(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UserError, match="has just finished"), locked(tmp_path):
        pytest.fail("the run is trained")


def test_a_damaged_unfinished_run_does_not_stop_others(tmp_path, tiny_bert, caplog):
    folder = workspace_of(tmp_path)
    broken = folder / ".segtool/runs/cross-segment-sentences1-001"
    broken.mkdir(parents=True)
    (broken / "unfinished.json").write_text("")
    options = CrossSegmentOptions(batch_size=64)
    run = finetune(Workspace(folder / ".segtool"), options, encoder_name=tiny_bert)
    assert run.name == "cross-segment-sentences1-002"
    (warning,) = [record.getMessage() for record in caplog.records if record.name == "segclf"]
    assert str(broken) in warning


def test_a_run_that_another_process_finishes_at_this_moment_does_not_stop_others(
    tmp_path, tiny_bert, caplog
):
    folder = workspace_of(tmp_path)
    finished = folder / ".segtool/runs/cross-segment-sentences1-001"
    finished.mkdir(parents=True)
    # listed, but not there when it is read
    (finished / "unfinished.json").symlink_to(tmp_path / "removed")
    options = CrossSegmentOptions(batch_size=64)
    run = finetune(Workspace(folder / ".segtool"), options, encoder_name=tiny_bert)
    assert run.name == "cross-segment-sentences1-002"
    assert not [record for record in caplog.records if record.name == "segclf"]


def test_sides_may_have_more_sentences_than_the_documents(tmp_path, tiny_bert):
    workspace = Workspace(workspace_of(tmp_path) / ".segtool")
    options = CrossSegmentOptions(sides="sentences:5000", batch_size=64)
    run = finetune(workspace, options, encoder_name=tiny_bert)
    assert load_run(workspace, run.name).record.options["window"] == 5000


@pytest.mark.parametrize(("given", "expected"), [({}, 3), ({"threads": 2}, 2)])
def test_a_system_computes_with_the_threads_of_torch_by_default(
    tmp_path, tiny_bert, threads_used, given, expected
):
    workspace = Workspace(workspace_of(tmp_path) / ".segtool")
    options = CrossSegmentOptions(batch_size=64)
    run = finetune(workspace, options, encoder_name=tiny_bert, **given)
    assert threads_used == {expected}
    threads_used.clear()
    evaluate(workspace, run, **given)
    assert threads_used == {expected}


def test_an_empty_workspace_is_reported(tmp_path):
    with pytest.raises(UserError, match="nothing is embedded"):
        finetune(Workspace(tmp_path), CrossSegmentOptions())


def test_an_unfinished_run_is_recognized_by_its_identity(tmp_path):
    options = CrossSegmentOptions()
    stored = Workspace(workspace_of(tmp_path) / ".segtool").load_corpus()
    encoder = EncoderReference("model", None, "0" * 32)
    request = runs.request_content(stored, encoder, options)
    folder, resumed = runs.claim_folder(tmp_path / "runs", options, request)
    assert not resumed
    moved = runs.request_content(stored, replace(encoder, name="copy/of/model"), options)
    assert runs.claim_folder(tmp_path / "runs", options, moved) == (folder, True)
    other = runs.request_content(stored, replace(encoder, fingerprint="1" * 32), options)
    assert runs.claim_folder(tmp_path / "runs", options, other)[1] is False


def test_only_the_focal_loss_has_a_gamma():
    focal = options_from("cross-segment", {"loss": "focal", "gamma": 3.0})
    other = options_from("cross-segment", {"loss": "balanced", "gamma": 3.0, "upper": "mlp"})
    assert (focal.gamma, other.gamma) == (3.0, CrossSegmentOptions().gamma)


def test_an_unfinished_run_of_an_early_version_is_continued(tmp_path):
    stored = Workspace(workspace_of(tmp_path) / ".segtool").load_corpus()
    encoder = EncoderReference("model", None, "0" * 32)
    for sides, continued in (("sentences:1", True), ("tokens:4", False)):
        options = CrossSegmentOptions(sides=sides)
        early = runs.request_content(stored, encoder, options)
        del early["options"]["pooling"]  # early versions classified the state at [CLS]
        folder, _ = runs.claim_folder(tmp_path / sides[:6], options, early)
        request = runs.request_content(stored, encoder, options)
        found = runs.claim_folder(tmp_path / sides[:6], options, request)
        assert (found == (folder, True)) is continued
