"""The vectors of any function that embeds texts, kept in a store."""

import numpy as np
import pytest

from embedcache import EmbeddingStore, StoreError
from embedcache.integrations.text_cache import TextCache


class Lengths:
    """Embeds a text as its length and its number of spaces, and records what it embeds."""

    def __init__(self):
        self.texts = []

    def __call__(self, texts):
        self.texts += texts
        return [[len(text), text.count(" ")] for text in texts]


def test_each_text_is_embedded_once_and_texts_are_not_normalized(tmp_path):
    cache = TextCache(tmp_path / "store", "lengths", {"version": 1})
    lengths = Lengths()
    texts = ["one  two", "one two", "one  two", ""]
    expected = [[8, 2], [7, 1], [8, 2], [0, 0]]
    assert cache.embed(texts, lengths).tolist() == expected
    assert cache.embed(texts[::-1], lengths).tolist() == expected[::-1]
    assert lengths.texts == ["one  two", "one two", ""]
    again = TextCache(tmp_path / "store", "lengths", {"version": 1})
    assert again.embed(["one two", "new"], lengths).tolist() == [[7, 1], [3, 0]]
    assert lengths.texts[3:] == ["new"]
    assert cache.embed([], lengths).shape == (0, 0)


def test_another_identity_has_other_vectors(tmp_path):
    store = EmbeddingStore(tmp_path / "store")
    for version in (1, 2):
        lengths = Lengths()
        TextCache(store, "lengths", {"version": version}).embed(["one"], lengths)
        assert lengths.texts == ["one"]


def test_vectors_embedded_before_an_error_are_kept(tmp_path):
    cache = TextCache(tmp_path / "store", "lengths", {})
    texts = [f"text {number}" for number in range(2000)]
    lengths = Lengths()

    def fail_later(batch):
        if len(lengths.texts) >= 1024:
            raise KeyboardInterrupt
        return lengths(batch)

    with pytest.raises(KeyboardInterrupt):
        cache.embed(texts, fail_later)
    assert len(cache.embed(texts, lengths)) == 2000
    assert len(lengths.texts) == 2000


def test_wrong_vectors_are_refused(tmp_path):
    cache = TextCache(tmp_path / "store", "wrong", {})
    with pytest.raises(ValueError, match=r"expected vectors of shape \(2, dim\), got \(1, 2\)"):
        cache.embed(["a", "b"], lambda texts: [[1, 2]])
    with pytest.raises(ValueError, match="NaN or infinity"):
        cache.embed(["a"], lambda texts: [[np.nan]])
    cache.embed(["a"], lambda texts: [[1]])
    with pytest.raises(StoreError, match="dimension 1"):
        cache.embed(["b"], lambda texts: [[1, 2]])


def test_float16_halves_the_store_and_rounds(tmp_path):
    cache = TextCache(tmp_path / "store", "small", {}, dtype="float16")
    found = cache.embed(["a"], lambda texts: [[1.0001]])
    assert found.dtype == np.float32
    assert found.tolist() == [[1.0]]
    assert cache.store.find_space("small").dtype == "float16"


def test_texts_may_have_unpaired_surrogates(tmp_path):
    lengths = Lengths()
    cache = TextCache(tmp_path / "store", "lengths", {})
    for _ in range(2):
        assert cache.embed(["\ud83d", "one two"], lengths).tolist() == [[1, 0], [7, 1]]
    assert lengths.texts == ["\ud83d", "one two"]


def test_an_identity_cannot_replace_the_mark_of_a_cache(tmp_path):
    with pytest.raises(ValueError, match="must not have the key 'texts'"):
        TextCache(tmp_path / "store", "titles", {"texts": "titles"})


def test_another_dtype_is_refused_even_if_all_texts_are_there(tmp_path):
    TextCache(tmp_path / "store", "lengths", {}, "float16").embed(["one"], Lengths())
    exact = TextCache(tmp_path / "store", "lengths", {})
    with pytest.raises(StoreError, match="are float16, not float32"):
        exact.embed(["one"], Lengths())
