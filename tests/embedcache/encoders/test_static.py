"""Static encoders, distilled from a tiny Transformer."""

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from embedcache import UserError, encode_sentences, load_encoder, sentence_ids
from embedcache.encoders import static, token_means
from embedcache.encoders.distillation import principal_components
from embedcache.encoders.token_ids import TOKENIZER
from tests.segclf.finetune.conftest import save_tiny_bert

SENTENCES = ["雨が降っていた。", "彼は傘を忘れた。", "「はい。」", "人", "雨傘", "🜁 雨"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return str(save_tiny_bert(tmp_path_factory.mktemp("models") / "tiny-bert"))


@pytest.fixture(scope="module")
def encoder(bert):
    encoder = load_encoder(f"static:{bert}")
    assert encoder.directory.is_dir()  # distilled before a test changes the cache
    return encoder


def means_of_tokens(model, sentences, part=slice(None)):
    """Average the vectors of "[CLS] token [SEP]" over a part of the tokens of each sentence."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, transformer = AutoTokenizer.from_pretrained(model), AutoModel.from_pretrained(model)
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    means = []
    for sentence in sentences:
        tokens = tokenizer(sentence, add_special_tokens=False)["input_ids"][part]
        rows = torch.tensor([[first, token, last] for token in tokens])
        with torch.inference_mode():
            states = transformer(rows, attention_mask=torch.ones_like(rows)).last_hidden_state
        means.append(states.mean(dim=(0, 1)).numpy())
    return np.array(means)


@pytest.mark.parametrize(
    ("tokens", "columns"),
    [
        (slice(None), slice(0, 32)),
        (slice(None, 2), slice(32, 64)),
        (slice(-2, None), slice(64, 96)),
    ],
    ids=["all", "first", "last"],
)
def test_a_vector_has_the_means_of_all_of_the_first_and_of_the_last_tokens(
    encoder, bert, tokens, columns
):
    vectors = encoder.encode(SENTENCES)
    assert vectors.shape == (len(SENTENCES), encoder.dim)
    assert vectors.dtype == np.float32
    # all components are kept here, so that only the origin and the axes of the vectors differ
    means = means_of_tokens(bert, SENTENCES, tokens)
    for (one, other), (a, b) in zip(pairwise(vectors[:, columns]), pairwise(means), strict=True):
        assert np.linalg.norm(one - other) == pytest.approx(np.linalg.norm(a - b), abs=5e-3)


def test_principal_components_are_ordered_by_variance_and_have_a_fixed_sign():
    random = np.random.default_rng(0)
    vectors = (random.standard_normal((3000, 4)) * [1, 5, 0.1, 2] + 7).astype(np.float32)
    components = principal_components(vectors, 3)
    centred = vectors - vectors.mean(axis=0)
    np.testing.assert_allclose(components, centred[:, [1, 3, 0]], atol=0.6)
    np.testing.assert_allclose(components.std(axis=0), [5, 2, 1], rtol=0.1)
    assert principal_components(vectors, 9).shape == (3000, 4)


def test_sentences_without_tokens_have_zero_vectors(encoder):
    assert (encoder.encode(["", "雨", ""])[[0, 2]] == 0).all()
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_a_vector_does_not_depend_on_the_batch(encoder):
    alone = [encoder.encode([sentence])[0] for sentence in SENTENCES]
    np.testing.assert_array_equal(encoder.encode(SENTENCES), alone)


def test_a_sentence_of_any_length_is_read_to_its_end(encoder, monkeypatch):
    monkeypatch.setattr(token_means, "_BLOCK", 1000)
    (vector,) = encoder.encode(["雨" * 2500 + "傘" * 2500])
    np.testing.assert_allclose(vector[:32], encoder.encode(["雨傘"])[0, :32], atol=1e-5)
    np.testing.assert_array_equal(vector[64:], encoder.encode(["傘傘"])[0, 64:])


def test_distilling_again_gives_the_same_bytes(encoder, bert, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    again = load_encoder(f"static:{bert}")
    assert again.directory != encoder.directory
    for name in (static.VECTORS, TOKENIZER, static.SETTINGS):
        assert (again.directory / name).read_bytes() == (encoder.directory / name).read_bytes()


def test_a_finished_encoder_imports_neither_torch_nor_transformers(encoder, bert):
    code = f"""
import sys
from embedcache import load_encoder
encoder = load_encoder("static:{bert}")
assert encoder.encode(["雨が降る。"]).any()
print({{"torch", "transformers", "scipy"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "set()\n"), done.stderr


def test_the_identity_is_that_of_the_transformer_and_the_distillation(encoder, bert):
    transformer = load_encoder(bert)
    assert encoder.name == "static:tiny-bert"
    assert encoder.identity["transformer"] == transformer.identity
    assert encoder.max_tokens is None
    others = [
        load_encoder(bert),
        load_encoder(f"static:{bert}", pooling="cls"),
        load_encoder(f"static:{bert}:1"),
        load_encoder("static"),
    ]
    assert len({encoder.fingerprint, *(other.fingerprint for other in others)}) == 5
    assert others[2].name == "static:tiny-bert:1"
    assert others[3].name == "static"
    assert others[3].identity["transformer"] == load_encoder("e5-small-paragraphs").identity


def test_vectors_are_stored_beside_those_of_other_encoders(bert, store):
    joined = load_encoder(f"static:{bert}+surface")
    encode_sentences(SENTENCES, joined, store)
    stored = store.vectors(joined.fingerprint, sentence_ids(SENTENCES))
    np.testing.assert_array_equal(stored, joined.encode(SENTENCES))


def test_a_finished_encoder_can_be_moved(encoder, tmp_path):
    moved = shutil.copytree(encoder.directory, tmp_path / "a+b")
    opened = load_encoder(f"static:{moved}+surface")
    assert opened.parts[0].fingerprint == encoder.fingerprint
    assert opened.name == "static:a+b+surface"
    np.testing.assert_array_equal(opened.parts[0].encode(SENTENCES), encoder.encode(SENTENCES))
    assert load_encoder(f"static:{moved}", pooling="mean").fingerprint == encoder.fingerprint
    with pytest.raises(UserError, match="has static vectors with --pooling mean: leave out"):
        load_encoder(f"static:{moved}", pooling="cls")


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b"{}", b'{"transformer": {"pooling": "mean"}}']
)
def test_damaged_settings_are_an_error(tmp_path, content):
    (tmp_path / static.SETTINGS).write_bytes(content)
    with pytest.raises(UserError, match=r"static\.json is damaged: copy or download the model"):
        load_encoder(f"static:{tmp_path}")


@pytest.mark.parametrize("damage", ["empty", "truncated", "header", "other shape", "missing"])
def test_damaged_vectors_are_an_error(encoder, tmp_path, damage):
    folder = shutil.copytree(encoder.directory, tmp_path / "copy")
    path = folder / static.VECTORS
    content = path.read_bytes()
    path.unlink()
    if damage == "other shape":
        np.save(path, np.zeros((5, 3), dtype=np.float16))
    elif damage != "missing":
        header = content.replace(b"}", b" ", 1)
        damaged = {"empty": b"", "truncated": content[:-1], "header": header}
        path.write_bytes(damaged[damage])
    with pytest.raises(UserError, match=r"vectors\.npy cannot be read: copy its folder again"):
        load_encoder(f"static:{folder}").encode(["雨"])


@pytest.mark.parametrize("name", ["surface", "ginza"])
def test_only_transformers_can_be_distilled(name):
    with pytest.raises(UserError, match=f"{name} is not a Transformer"):
        load_encoder(f"static:{name}")


def test_a_tokenizer_in_python_is_refused_and_nothing_is_left(bert, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    copy = Path(shutil.copytree(bert, tmp_path / "japanese"))
    (copy / "tokenizer.json").unlink()
    settings = {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "basic"}
    (copy / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match=r"choose a Transformer that has a tokenizer\.json"):
        load_encoder(f"static:{copy}").encode(["雨"])
    assert [path.suffix for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [".lock"]
