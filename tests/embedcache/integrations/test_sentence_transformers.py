"""`CachedSentenceTransformer` returns the same vectors as the model itself."""

import copy
import json
import shutil

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from embedcache import EmbeddingStore, UserError
from embedcache.integrations.sentence_transformers import (
    CachedSentenceTransformer,
    fingerprint_of_model,
)
from tests.segclf.finetune.conftest import save_tiny_bert

TEXTS = ["rain river", "the  rain", "rain river", "a town"]
WORDS = ("[UNK]", "rain", "river", "town", "the", "a", "query", "document", ":")


def small_model(seed=0):
    """A real model whose vectors are means of token vectors."""
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    torch.manual_seed(seed)
    return SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_dim=8)],
        prompts={"query": "query: ", "document": "document: "},
        device="cpu",
    )


class Recorder:
    """Counts the texts that a model encodes."""

    def __init__(self, model):
        self.count = 0
        encode = model.encode

        def counted(inputs, *arguments, **options):
            self.count += len(inputs)
            return encode(inputs, *arguments, **options)

        counted.__signature__ = __import__("inspect").signature(encode)
        model.encode = counted


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"normalize_embeddings": True},
        {"prompt_name": "query"},
        {"prompt": "the "},
        {"truncate_dim": 3},
        {"batch_size": 1, "show_progress_bar": False},
    ],
)
def test_vectors_are_the_same_as_from_the_model_and_are_computed_once(tmp_path, options):
    model = small_model()
    expected = model.encode(TEXTS, **options)
    recorder = Recorder(model)
    for store in (tmp_path / "store", EmbeddingStore(tmp_path / "store")):
        cached = CachedSentenceTransformer(model, store)
        found = cached.encode(TEXTS, **options)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    assert recorder.count == 3


def test_options_that_change_the_vectors_do_not_share_them(tmp_path):
    cached = CachedSentenceTransformer(small_model(), tmp_path / "store")
    plain = cached.encode(TEXTS)
    assert not np.array_equal(cached.encode(TEXTS, prompt_name="query"), plain)
    assert cached.encode(TEXTS, truncate_dim=2).shape == (4, 2)
    np.testing.assert_array_equal(cached.encode(TEXTS, batch_size=1), plain)
    other = CachedSentenceTransformer(small_model(seed=1), tmp_path / "store")
    assert not np.array_equal(other.encode(TEXTS), plain)


def test_a_copy_uses_the_same_store(tmp_path):
    cached = CachedSentenceTransformer(small_model(), tmp_path / "store")
    vectors = cached.encode(TEXTS)
    recorder = Recorder(cached.model)
    np.testing.assert_array_equal(copy.copy(cached).encode(TEXTS), vectors)
    assert recorder.count == 0
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        _ = cached.no_such_name


def test_settings_that_are_changed_later_are_those_of_the_model(tmp_path):
    model = small_model()
    cached = CachedSentenceTransformer(model, tmp_path / "store")
    plain = cached.encode(TEXTS)
    with cached.truncate_embeddings(3):
        assert cached.encode(TEXTS).shape == (4, 3)
    cached.default_prompt_name = "query"
    np.testing.assert_array_equal(cached.encode(TEXTS), model.encode(TEXTS))
    assert not np.array_equal(cached.encode(TEXTS), plain)
    model.default_prompt_name = None
    np.testing.assert_array_equal(cached.encode(TEXTS), plain)


def test_the_results_have_the_types_of_the_model(tmp_path):
    model = small_model()
    cached = CachedSentenceTransformer(model, tmp_path / "store")
    np.testing.assert_array_equal(cached.encode("rain"), model.encode("rain"))
    assert torch.equal(
        cached.encode(TEXTS, convert_to_tensor=True), model.encode(TEXTS, convert_to_tensor=True)
    )
    listed, expected = (one.encode(TEXTS, convert_to_numpy=False) for one in (cached, model))
    assert [type(vector) for vector in listed] == [type(vector) for vector in expected]
    for one in ("encode_query", "encode_document"):
        np.testing.assert_array_equal(getattr(cached, one)(TEXTS), getattr(model, one)(TEXTS))
    vectors = cached.encode(TEXTS)
    assert torch.equal(cached.similarity(vectors, vectors), model.similarity(vectors, vectors))
    with pytest.raises(UserError, match="only precision='float32' is cached"):
        cached.encode(TEXTS, precision="int8")


def test_a_number_among_the_weights_is_hashed(tmp_path):
    models = [small_model(), small_model()]
    for scale, model in enumerate(models):
        model[0].register_buffer("scale", torch.tensor(float(scale)))
    assert len({*map(fingerprint_of_model, models)}) == 2


def test_models_whose_tokenizer_is_written_in_python_are_cached(tmp_path):
    folder = save_tiny_bert(tmp_path / "first")
    (folder / "tokenizer.json").unlink(missing_ok=True)
    settings = {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "basic"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    copy = shutil.copytree(folder, tmp_path / "second")
    changed = shutil.copytree(folder, tmp_path / "changed")
    first, *words = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    (changed / "vocab.txt").write_text("\n".join([first, *words[::-1]]), encoding="utf-8")
    models = [SentenceTransformer(str(one), device="cpu") for one in (folder, copy, changed)]
    fingerprints = [fingerprint_of_model(model) for model in models]
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]
    cached = CachedSentenceTransformer(models[0], tmp_path / "store")
    np.testing.assert_array_equal(cached.encode(["雨夜"]), models[0].encode(["雨夜"]))
