"""Texts and vectors of a store as a `datasets.Dataset`, and back."""

import numpy as np
import pytest

from embedcache import StoreError, encode_in_memory, encode_sentences, load_encoder
from embedcache.integrations.text_cache import TextCache

TEXTS = ["It rained.", " It  rained.", "He left."]


def test_texts_and_vectors_are_columns_of_a_dataset(store, tmp_path):
    from datasets import Dataset

    from embedcache.integrations.datasets import to_dataset

    encoder = load_encoder("surface")
    encode_sentences(TEXTS, encoder, store)
    dataset = to_dataset(TEXTS, store, "surface")
    assert dataset["text"][:] == TEXTS
    expected = encode_in_memory(TEXTS, encoder)
    np.testing.assert_array_equal(dataset.with_format("numpy")["vector"][:], expected)
    dataset.to_parquet(str(tmp_path / "a.parquet"))
    again = Dataset.from_parquet(str(tmp_path / "a.parquet"), cache_dir=str(tmp_path / "cache"))
    np.testing.assert_array_equal(again.with_format("numpy")["vector"][:], expected)
    with pytest.raises(StoreError, match="embed them first"):
        to_dataset(["new"], store, "surface")


def test_vectors_of_a_dataset_are_not_embedded_again(store):
    from embedcache.integrations.datasets import add_dataset, to_dataset

    first = TextCache(store, "first", {"version": 1})
    vectors = first.embed(TEXTS, lambda texts: [[len(text), 1] for text in texts])
    dataset = to_dataset(TEXTS, store, "first")
    second = TextCache(store, "second", {"version": 2})
    add_dataset(dataset, second)
    np.testing.assert_array_equal(second.embed(TEXTS, pytest.fail), vectors)
