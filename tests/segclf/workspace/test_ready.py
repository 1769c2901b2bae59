"""Ready models are checked when they are read."""

import json
import shutil

import pytest

from embedcache import UserError
from segclf.workspace import ready
from segclf.workspace.files import CHECKSUM, with_checksum
from segclf.workspace.ready import MODEL, MODELS, list_models, load_ready_model


@pytest.fixture
def model(tmp_path):
    """A copy of a ready model with two heads."""
    return shutil.copytree(MODELS / "japanese", tmp_path / "model")


def edit(path, **values):
    content = json.loads(path.read_text(encoding="utf-8")) | values
    path.write_text(json.dumps(with_checksum(content)))


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


def test_a_changed_description_is_found_and_one_of_an_early_version_is_read(model):
    content = json.loads((model / MODEL).read_text(encoding="utf-8"))
    (model / MODEL).write_text(json.dumps(content | {"thresholds": {"any": {"ja": 0.4}}}))
    assert f"{MODEL} is damaged (its content does not match its checksum)" in reported(model)
    del content[CHECKSUM]
    (model / MODEL).write_text(json.dumps(content))
    assert load_ready_model(str(model)).thresholds == load_ready_model("japanese").thresholds


def test_a_flipped_bit_of_a_description_never_changes_a_model(model):
    (original,) = (each for each in list_models() if each.name == "japanese")
    sound = (model / MODEL).read_bytes()
    read = 0
    for position in range(len(sound)):
        damaged = bytearray(sound)
        damaged[position] ^= 1 << position % 7
        (model / MODEL).write_bytes(damaged)
        ready._read.cache_clear()
        try:
            found = load_ready_model(str(model))
        except UserError:
            continue
        read += 1  # such as a flipped bit in the name of the checksum
        for name in ("description", "languages", "thresholds", "is_fast"):
            assert getattr(found, name) == getattr(original, name)
    assert read < 40


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors"])
def test_shipped_heads_have_checksums(model, name):
    path = model / "any" / name
    data = bytearray(path.read_bytes())
    position = data.index(b"threshold") + 20 if name == "config.json" else -5
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"is damaged .*checksum"):
        load_ready_model(str(model)).runs["any"].load_head()
