"""Ready models are checked when they are read."""

import json
import shutil

import pytest

from embedcache import UserError
from segclf.workspace.ready import MODEL, MODELS, load_ready_model


@pytest.fixture
def model(tmp_path):
    """A copy of a ready model with two heads."""
    return shutil.copytree(MODELS / "japanese", tmp_path / "model")


def edit(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values))


def reported(model):
    with pytest.raises(UserError) as caught:
        load_ready_model(str(model))
    message = str(caught.value)
    assert "\n" not in message
    assert str(model) in message
    return message


def test_a_copy_is_read(model):
    copy, original = load_ready_model(str(model)), load_ready_model("japanese")
    assert list(copy.runs) == ["any", "paragraph"]
    assert copy.languages == original.languages == ("ja",)
    assert copy.encoder == original.encoder


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is not JSON"),
        (b'{"types"', "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[]", "must be an object"),
        (b'{"types": ["any"], "languages": ["ja"]}', "description: missing value"),
    ],
)
def test_a_damaged_description_is_reported(model, content, reason):
    (model / MODEL).write_bytes(content)
    message = reported(model)
    assert f"{MODEL} is damaged ({reason}" in message
    assert "install segtool again" in message


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("description", 5, "description: must be a valid string"),
        ("languages", "ja", "languages: must be a valid"),
        ("types", ["any", "chapter"], "types.1: must be 'any', 'line' or 'paragraph'"),
        ("types", [], "has no head for the type any"),
        ("types", ["paragraph"], "has no head for the type any"),
        ("types", ["any", "line"], "has no head for the type line"),
    ],
)
def test_an_invalid_field_is_reported(model, field, value, reason):
    edit(model / MODEL, **{field: value})
    assert reason in reported(model)


@pytest.mark.parametrize("name", ["any", "paragraph"])
def test_a_missing_head_is_reported(model, name):
    (model / name / "weights.safetensors").unlink()
    assert f"has no head for the type {name}" in reported(model)


@pytest.mark.parametrize("names", [["any"], ["paragraph"], ["any", "paragraph"]])
def test_heads_without_an_encoder_are_reported(model, names):
    for name in names:
        edit(model / name / "config.json", encoder=None)
    assert "do not have the same encoder" in reported(model)


def test_heads_of_different_encoders_are_reported(model):
    encoder = {"name": "e5-small:7+surface", "pooling": None, "fingerprint": "0" * 32}
    edit(model / "paragraph/config.json", encoder=encoder)
    assert "do not have the same encoder" in reported(model)


def test_a_damaged_record_of_a_head_is_reported(model):
    edit(model / "any/config.json", threshold=2)
    assert "config.json is damaged (threshold: must be less" in reported(model)
