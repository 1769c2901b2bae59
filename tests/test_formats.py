"""Files of all formats are read, and those of newer formats are refused in one line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from xxhash import xxh3_64_digest

from embedcache import EmbeddingStore, UserError, sentence_ids
from embedcache.store.verification import verify
from segclf.finetune.runs import load_system
from segclf.tasks.evaluate import evaluate
from segclf.tasks.evaluation_files import read_evaluation
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.encoder_states import fit
from segclf.workspace.encoders import load_referenced
from segclf.workspace.files import with_checksum
from segclf.workspace.ready import load_ready_model
from segclf.workspace.runs import load_run, read_run
from segclf.workspace.workspace import Workspace
from tests.conftest import HashEncoder
from tests.embedcache.store.stores import FINGERPRINT, check_numbers, ids_of
from tests.fixtures.make import DIM, FORMATS, RUNS, WEIGHTS, letters_encoder
from tests.segclf.finetune import toy


@pytest.fixture
def formats(tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(FORMATS, tmp_path / "formats"))
    for name in (*RUNS, "ready-1/any"):
        shutil.copy(copy / WEIGHTS, copy / name / WEIGHTS)
    shutil.copytree(copy / "finetuned-1/model", copy / "finetuned-1/run", dirs_exist_ok=True)
    (copy / "finetuned-1/run/config.json").unlink()
    return copy


def test_a_store_of_format_1_is_read_and_upgraded(formats):
    path = formats / "store-1"
    check_numbers(path, range(30))
    assert EmbeddingStore(path).upgrade()
    check_numbers(path, range(30))
    assert EmbeddingStore(path).format() == 2
    assert (path / "commits").exists()


def test_a_workspace_is_read(formats):
    workspace = Workspace(formats / "workspace-1")
    corpus = workspace.load_corpus().corpus
    encoder = HashEncoder(DIM)
    vectors = workspace.store().vectors(encoder.fingerprint, sentence_ids(corpus.sentences))
    assert np.array_equal(vectors, encoder.encode(corpus.sentences))
    run = load_run(workspace)
    saved = read_evaluation(run, "test")
    assert saved is not None
    assert evaluate(workspace, run).scores.to_dict() == {
        name: saved[name] for name in ("precision", "recall", "f1", "pk", "window_diff")
    }


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_loaded(formats, name):
    run = read_run(formats / name)
    assert run is not None
    assert run.record.format == 3
    assert run.load_head().eval()


def test_a_store_of_format_3_has_texts(formats):
    path = formats / "store-3"
    check_numbers(path, range(30))
    numbers = [str(number) for number in range(30)]
    assert EmbeddingStore(path).texts().find(sentence_ids(numbers)) == numbers
    assert verify(path).is_sound


def test_a_ready_model_of_an_early_version_is_loaded(formats):
    model = load_ready_model(str(formats / "ready-1"))
    assert model.threshold("any", "en") == 0.25
    assert model.runs["any"].load_head().eval()


@pytest.mark.parametrize("name", ["model", "run"])
def test_a_fine_tuned_system_is_loaded(formats, name):
    run = read_run(formats / "finetuned-1" / name)
    assert run is not None
    assert run.record.kind == "cross-segment"
    text = toy.corpus(documents=1, length=5)
    system = load_system(run, "cpu")
    tokens = system.backbone.tokenize(text.sentences, text.layout)
    candidates = np.arange(1, 5)
    with torch.inference_mode():
        states = system.backbone(system.rows(tokens, candidates))
        at_cls = torch.sigmoid(system.classify(states[:, 0]).squeeze(1))
    np.testing.assert_allclose(system.predict(tokens)[candidates], at_cls, rtol=1e-5)


@pytest.mark.parametrize("name", ["encoders", "early"])
def test_the_state_of_a_fitted_encoder_is_restored(formats, name):
    folder = formats / "fitted-1"
    (state,) = (folder / name).glob("*.json")
    (folder / name).rename(folder / "w-encoders")
    workspace = Workspace(folder / "w")
    shutil.copytree(folder / "w-encoders", workspace.encoders)
    encoder = letters_encoder(folder)
    fit(encoder, [], workspace)
    assert encoder.fingerprint == state.stem


def newer_ready_model(formats):
    newer(formats / "ready-1/any/config.json")
    load_ready_model(str(formats / "ready-1"))


def newer_fine_tuned_run(formats):
    newer(formats / "finetuned-1/run/run.json")
    read_run(formats / "finetuned-1/run")


def newer_fine_tuned_model(formats):
    newer(formats / "finetuned-1/model/config.json")
    read_run(formats / "finetuned-1/model")


def newer_fitted_encoder(formats):
    folder = formats / "fitted-1"
    (path,) = (folder / "encoders").glob("*.json")
    newer(path)
    reference = EncoderReference(f"wordvec:{folder}/vectors.txt", "sif", path.stem)
    load_referenced(reference, path.parent)


def newer(path):
    path.write_text(json.dumps(with_checksum(json.loads(path.read_text()) | {"format": 9})))


def newer_store(formats):
    content = (formats / "store-1/data.mdb").read_bytes()
    old, new = b'{"format": 1}', b'{"format": 9}'
    signed = content.replace(old + xxh3_64_digest(old), new + xxh3_64_digest(new))
    assert signed != content
    (formats / "store-1/data.mdb").write_bytes(signed)
    EmbeddingStore(formats / "store-1").space(FINGERPRINT).find(ids_of(1))


def newer_corpus(formats):
    path = formats / "workspace-1/corpora/letters.jsonl"
    header, body = path.read_text().split("\n", 1)
    content = with_checksum(json.loads(header) | {"format": 9})
    path.write_text(json.dumps(content) + "\n" + body)
    Workspace(formats / "workspace-1").load_corpus("letters")


def newer_run(formats):
    newer(formats / "workspace-1/runs/mlp-w1-001/run.json")
    load_run(Workspace(formats / "workspace-1"), "mlp-w1-001")


def newer_model(formats):
    newer(formats / "model-1/config.json")
    read_run(formats / "model-1")


@pytest.mark.parametrize(
    "use",
    [
        newer_store,
        newer_corpus,
        newer_run,
        newer_model,
        newer_ready_model,
        newer_fine_tuned_run,
        newer_fine_tuned_model,
        newer_fitted_encoder,
    ],
)
def test_a_newer_format_is_refused_in_one_line(formats, use):
    with pytest.raises(UserError, match="upgrade segtool") as caught:
        use(formats)
    assert "\n" not in str(caught.value)
