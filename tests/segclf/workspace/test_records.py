"""Records of runs from untrusted sources are checked."""

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.modules.module import register_module_parameter_registration_hook

from embedcache import UserError
from segclf.tasks.evaluate import evaluate
from segclf.tasks.evaluation_files import read_evaluation
from segclf.tasks.export import export
from segclf.tasks.train import train
from segclf.workspace.runs import load_run
from segclf.workspace.sources import find_source
from segclf.workspace.workspace import Workspace
from tests.segclf.experiments.corpora import embed_hashes
from tests.segclf.workspace.test_workspace import QUICK


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An exported run."""
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    embed_hashes(workspace)
    return export(train(workspace, QUICK), tmp_path_factory.mktemp("exported") / "model", workspace)


def tampered(model, folder, change):
    shutil.copytree(model, folder / "model")
    path = folder / "model/config.json"
    record = json.loads(path.read_text())
    change(record)
    record.pop("checksum")  # as that of a hostile model might be right
    path.write_text(json.dumps(record))
    return folder / "model"


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("encoder.fingerprint", "../x", "fingerprint must be 32 hexadecimal digits"),
        ("encoder.fingerprint", "0" * 32 + "+../x", "fingerprint must be 32 hexadecimal digits"),
        ("encoder.fingerprint", 7, "fingerprint must be 32 hexadecimal digits"),
        ("encoder.more", "x", "must have only a name, a pooling and a fingerprint"),
        ("encoder", [], "encoder: must be an object"),
        ("dim", 1_000_000_000, "dim: must be less than"),
        ("dim", 16.5, "dim: must be a valid integer"),
        ("dim", True, "dim: must be a valid integer"),
        ("options.window", 10**9, "window: must be less than"),
        ("options.head", None, "head is missing"),
        ("options.context", "page", "context"),
        ("options.learning_rate", "x", "learning rate: must be a valid number"),
        ("options.colour", 1, "colour: unknown setting"),
        ("options", None, "options: the head is missing"),
        ("threshold", float("nan"), "NaN"),
        ("threshold", 2, "threshold: must be less than or equal to 1"),
        ("threshold", 10**400, "damaged"),
        ("temperature", 0, "temperature"),
        ("farthest", -1, "clip sigma: must be greater"),
        ("seconds", float("inf"), "seconds"),
        ("history", [float("nan")], "NaN"),
        ("dev", {"f1": "x"}, "dev.f1.*: must be"),
        ("counts", {}, "size of the train split is missing"),
        ("counts", {"train": {}}, "counts.train.documents: missing value"),
        ("created", "yesterday", "damaged"),
        ("corpus", 5, "corpus: must be a valid string"),
        ("language", 5, "language: must be a valid string"),
        ("kind", "tree", "kind: must be 'head', "),
        ("format", 99, "has format 99, but this version .*: upgrade segtool"),
        ("format", "1", "format is not a version number"),
    ],
)
def test_an_invalid_record_is_reported_in_one_line(model, tmp_path, field, value, reason):
    def change(record):
        *parents, name = field.split(".")
        for parent in parents:
            record = record[parent]
        record[name] = value

    folder = tampered(model, tmp_path, change)
    with pytest.raises(UserError, match=reason) as caught:
        load_run(Workspace(tmp_path / "none"), str(folder))
    assert str(folder / "config.json") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", [".", "./", "../model", "weights/.."])
def test_a_run_in_the_current_folder_has_the_name_of_the_folder(model, monkeypatch, path):
    (model / "weights").mkdir(exist_ok=True)
    monkeypatch.chdir(model)
    workspace = Workspace(model.parent / "none")
    assert load_run(workspace, path).name == "model"
    assert find_source(workspace, path).record.name == "model"


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(dim=7),
        lambda record: record["encoder"].update(fingerprint="0" * 32),
        lambda record: record.update(encoder=None),
    ],
)
def test_a_second_head_for_other_vectors_is_refused(model, tmp_path, change):
    second = tampered(model, tmp_path / "second", change)
    shutil.copytree(model, tmp_path / "model")
    shutil.copytree(second, tmp_path / "model/paragraph")
    run = load_run(Workspace(tmp_path / "none"), str(tmp_path / "model"))
    with pytest.raises(
        UserError, match="the second head of the run model needs vectors from another"
    ):
        _ = run.runs


@pytest.mark.parametrize(
    "change",
    [
        lambda scores: scores.update(f1=float("nan")),
        lambda scores: scores["at_half"].update(recall=float("inf")),
        lambda scores: scores["baselines"].update(x={"f1": float("nan")}),
    ],
)
def test_saved_scores_that_are_not_finite_are_ignored(tmp_path, change):
    workspace = Workspace(tmp_path / "workspace")
    embed_hashes(workspace)
    run = train(workspace, QUICK)
    evaluate(workspace, run, split="dev")
    path = run.path / "eval-dev.json"
    scores = json.loads(path.read_text())
    assert read_evaluation(run, "dev") == scores
    del scores["checksum"]
    change(scores)
    path.write_text(json.dumps(scores))
    assert read_evaluation(run, "dev") is None


@pytest.fixture
def allocated():
    """Sizes of the parameters that modules register, except those on the device "meta"."""
    sizes = []

    def record_size(module, name, parameter):
        if not parameter.is_meta:
            sizes.append(parameter.numel())

    hook = register_module_parameter_registration_hook(record_size)
    yield sizes
    hook.remove()


def test_shapes_of_weights_are_checked_before_memory_is_allocated(model, tmp_path, allocated):
    for number, change in enumerate(
        (
            lambda record: record.update(dim=100_000),
            lambda record: record["options"].update(window=4000),
        )
    ):
        folder = tampered(model, tmp_path / str(number), change)
        run = load_run(Workspace(tmp_path / "none"), str(folder))
        with pytest.raises(UserError, match="do not fit its record"):
            run.load_head()
    assert allocated == []
    load_run(Workspace(tmp_path / "none"), str(model)).load_head()
    assert max(allocated) > 0


@pytest.mark.parametrize("content", [b"", b"x" * 100, None])
def test_damaged_weights_are_reported(model, tmp_path, content):
    folder = tampered(model, tmp_path, lambda record: None)
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-10] if content is None else content)
    run = load_run(Workspace(tmp_path / "none"), str(folder))
    with pytest.raises(UserError, match=r"weights.safetensors is damaged"):
        run.load_head()


def test_weights_of_another_model_are_reported(model, tmp_path):
    folder = tampered(model, tmp_path, lambda record: None)
    save_file({"other": torch.zeros(1)}, folder / "weights.safetensors")
    with pytest.raises(UserError, match="train it again"):
        load_run(Workspace(tmp_path / "none"), str(folder)).load_head()


def test_the_baseline_on_dev_is_that_of_the_evaluation(tmp_path):
    workspace = Workspace(tmp_path)
    embed_hashes(workspace)
    run = train(workspace, QUICK)
    everywhere = evaluate(workspace, run, split="dev").baselines["everywhere"]
    assert run.record.dev_baseline == pytest.approx(everywhere.f1)
    assert run.to_dict()["dev_baseline"] == run.record.dev_baseline
