"""Training from the weights of a run or of a ready model."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from embedcache import UserError, encode_sentences
from segclf import TrainingOptions, Workspace, evaluate, train
from segclf.corpus import Corpus, Document
from segclf.experiments.grids import Trial
from segclf.experiments.leaderboard import leaderboard
from segclf.experiments.trials import find_runs
from segclf.tasks.export import export
from segclf.tasks.train import options_from
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.ready import MODELS, ReadyModel
from segclf.workspace.runs import load_run
from segclf.workspace.sources import load_trained, stable_name
from tests.conftest import HashEncoder
from tests.segclf.experiments.corpora import copied, embed_hashes

QUICK = TrainingOptions(head="mlp", window=2, epochs=2, batch_size=16)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A workspace with a run, mlp-w2-001."""
    workspace = Workspace(tmp_path_factory.mktemp("w"))
    embed_hashes(workspace)
    train(workspace, QUICK)
    return workspace


@pytest.fixture
def workspace(trained, tmp_path):
    return copied(trained, tmp_path)


def embed_typed(workspace):
    """Embed a text with lines and paragraphs."""
    labels = np.tile([2, 0, 1, 0, 0], 20).astype(np.int8)
    documents = [
        Document(f"{split}", [f"{label}{i}{split}" for i, label in enumerate(labels)], labels)
        for split in ("train", "dev")
    ]
    corpus = Corpus.of(documents, ["train", "dev"])
    encoder = HashEncoder()
    encode_sentences(corpus.sentences, encoder, workspace.store(create=True))
    workspace.save_corpus(
        "typed", corpus, "line", EncoderReference("hash", None, encoder.fingerprint)
    )


def test_the_record_names_the_start_and_keeps_the_head_of_the_start(workspace):
    run = train(workspace, start="mlp-w2-001")
    assert run.record.start.name == "mlp-w2-001"
    assert (run.record.head, run.record.options["window"]) == ("mlp", 2)
    assert run.record.options["epochs"] == TrainingOptions.epochs
    read = load_run(workspace, run.name)
    assert read.record == run.record
    assert run.to_dict()["start"] == json.loads((run.path / "run.json").read_text())["start"]
    assert evaluate(workspace, read).scores.f1 > 0


def test_runs_with_different_starts_are_different_runs(workspace):
    other = train(workspace, replace(QUICK, seed=5))
    runs = [train(workspace, QUICK, start=start) for start in ("mlp-w2-001", other.name)]
    runs += [load_run(workspace, "mlp-w2-001")]
    assert len({run.record.identity for run in runs}) == 3
    assert len({run.record.identity.without_seed() for run in runs}) == 3
    assert {row["n"] for row in leaderboard(runs)} == {1}
    trial = Trial(QUICK, "hash")
    assert find_runs(workspace, [trial], workspace.load_corpus())[trial].name == "mlp-w2-001"


def test_an_exported_run_can_be_the_start_and_gives_the_same_weights(workspace, tmp_path):
    folder = export(load_run(workspace, "mlp-w2-001"), tmp_path / "mine", workspace)
    first, second = (train(workspace, start=start) for start in ("mlp-w2-001", str(folder)))
    assert second.record.start.name == "mine"
    assert first.record.identity == second.record.identity
    assert len({(run.path / "weights.safetensors").read_bytes() for run in (first, second)}) == 1
    exported = export(second, tmp_path / "adapted", workspace)
    assert "- started from: mine\n" in (exported / "README.md").read_text()


def test_a_ready_model_may_be_given_by_its_full_path(workspace, tmp_path):
    folder = shutil.copytree(MODELS / "japanese-fast", tmp_path / "mine")
    model = load_trained(workspace, str(folder))
    assert isinstance(model, ReadyModel)
    assert model.name == "mine"


def test_a_stable_name_means_the_same_in_other_folders(workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    export(load_run(workspace, "mlp-w2-001"), "mine", workspace)
    shutil.copytree("mine", "japanese")  # the model of the package takes precedence
    names = ["mine", "japanese", "1", "mlp-w2-001"]
    stable = [stable_name(workspace, name) for name in names]
    path = str(workspace.runs / "mlp-w2-001")
    assert stable == [str(tmp_path / "mine"), "japanese", path, path]
    found = [load_trained(workspace, name).path.absolute() for name in names]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert [load_trained(workspace, name).path for name in stable] == found


def test_a_run_without_a_start_has_the_record_of_earlier_versions(workspace):
    assert "start" not in json.loads((workspace.runs / "mlp-w2-001/run.json").read_text())


def test_the_type_of_boundary_is_that_of_the_start(workspace):
    embed_typed(workspace)
    paragraphs = train(workspace, replace(QUICK, boundary_type="paragraph"), corpus_name="typed")
    adapted = train(workspace, start=paragraphs.name, corpus_name="typed")
    assert adapted.record.boundary_type == "paragraph"
    assert adapted.record.counts["train"].boundaries == 20
    with pytest.raises(UserError, match="predicts boundaries of type paragraph: leave out --type"):
        options_from(workspace, paragraphs.name, {"boundary_type": "any"})
    # the boundaries of a text without types may all be paragraphs
    assert train(workspace, start=paragraphs.name, corpus_name="stories")


def test_mistakes_are_reported_and_nothing_is_written(workspace):
    embed_hashes(workspace, name="other", encoder_name="hash")
    header, body = (workspace.path / "corpora/other.jsonl").read_text().split("\n", 1)
    content = json.loads(header)
    content["encoders"][0] |= {"name": "surface", "fingerprint": "0" * 32}
    del content["checksum"]
    (workspace.path / "corpora/other.jsonl").write_text(json.dumps(content) + "\n" + body)
    mistakes = [
        (
            {"start": "none"},
            "no run or model 'none': the runs in .* are mlp-w2-001; the ready models.*japanese",
        ),
        ({"start": "x" * 999}, "no run or model 'xxx"),
        ({"start": "mlp-w2-001"}, "corpus other is not embedded with it: .* --encoder hash first"),
        ({"start": "japanese"}, "japanese needs vectors from its encoder.* segtool embed with"),
        (
            {"start": "mlp-w2-001", "corpus_name": "stories", "encoder_name": "surface"},
            "mlp-w2-001 needs vectors from hash: leave out --encoder",
        ),
        (
            {"start": "mlp-w2-001", "corpus_name": "stories", "options": TrainingOptions()},
            "has window 2, not 4: leave out the option window",
        ),
        (
            {"start": "european", "options": TrainingOptions(boundary_type="paragraph")},
            "the model european has no head for boundaries of type paragraph: choose --type any",
        ),
    ]
    for given, message in mistakes:
        with pytest.raises(UserError, match=message) as caught:
            train(workspace, **given)
        assert "\n" not in str(caught.value)
    assert [path.name for path in workspace.runs.iterdir()] == ["mlp-w2-001"]
