"""The encoder e5-small-paragraphs."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from embedcache import UserError, load_encoder
from embedcache.encoders.e5_small_paragraphs import merge

SENTENCES = ["雨が降った。", "「寒い」", "The ferry left before dawn.", "Es war einmal ein König."]


def cosines(a, b):
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def test_changes_of_low_rank_and_plain_changes_are_added_to_the_first_layers():
    weights = {
        "embeddings.weight": np.ones((3, 2), np.float32),
        "encoder.layer.6.weight": np.ones((3, 2), np.float32),
        "encoder.layer.6.bias": np.ones(3, np.float32),
        "encoder.layer.7.weight": np.ones((3, 2), np.float32),
        "encoder.layer.11.bias": np.ones(3, np.float32),
    }
    adapter = {
        "encoder.layer.6.weight.up": np.array([[1], [2], [3]], np.float16),
        "encoder.layer.6.weight.down": np.array([[10, 20]], np.float16),
        "encoder.layer.6.bias": np.array([0.5, 0, -1], np.float16),
    }
    merged = merge(weights, adapter)
    assert list(merged) == list(weights)[:3]
    assert merged["embeddings.weight"] is weights["embeddings.weight"]
    assert merged["encoder.layer.6.weight"].tolist() == [[11, 21], [21, 41], [31, 61]]
    assert merged["encoder.layer.6.bias"].tolist() == [1.5, 1, 0]
    assert (weights["encoder.layer.6.weight"] == 1).all()  # the input is unchanged


def test_the_vectors_are_those_of_a_hugging_face_model_with_mean_pooling():
    import torch
    from transformers import AutoModel, AutoTokenizer

    encoder = load_encoder("e5-small-paragraphs", precision="float32")
    model = AutoModel.from_pretrained(encoder.directory)
    inputs = AutoTokenizer.from_pretrained(encoder.directory)(
        SENTENCES, padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        states = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"][..., None]
    expected = ((states * mask).sum(dim=1) / mask.sum(dim=1)).numpy()
    np.testing.assert_allclose(encoder.encode(SENTENCES), expected, atol=1e-5)
    assert model.config.num_hidden_layers == 7


def test_the_fine_tuned_layers_differ_from_those_of_e5_small():
    tuned, frozen = load_encoder("e5-small-paragraphs"), load_encoder("e5-small:7")
    assert tuned.dim == frozen.dim == 384
    assert tuned.fingerprint != frozen.fingerprint
    assert cosines(tuned.encode(SENTENCES), frozen.encode(SENTENCES)).max() < 0.95
    word = "embeddings.word_embeddings.weight"  # the embeddings are frozen
    tables = [load_file(encoder.directory / "model.safetensors") for encoder in (tuned, frozen)]
    assert np.array_equal(tables[0][word], tables[1][word])


def test_bfloat16_agrees_with_float32():
    exact, fast = (
        load_encoder("e5-small-paragraphs", precision=precision).encode(SENTENCES)
        for precision in ("float32", "bfloat16")
    )
    assert cosines(exact, fast).min() > 0.999


def test_poolings_and_layers_have_different_fingerprints():
    names = ["e5-small-paragraphs", "e5-small-paragraphs:6"]
    encoders = [load_encoder(name) for name in names]
    encoders += [load_encoder(names[0], pooling="cls")]
    assert len({encoder.fingerprint for encoder in encoders}) == 3
    assert [encoder.name for encoder in encoders[:2]] == names


def test_later_layers_and_other_poolings_are_errors():
    with pytest.raises(UserError, match="the model has 7 layers: use :0 to :7, not :8"):
        load_encoder("e5-small-paragraphs:8")
    with pytest.raises(UserError, match="--pooling sif is for word vectors only"):
        load_encoder("e5-small-paragraphs", pooling="sif")
