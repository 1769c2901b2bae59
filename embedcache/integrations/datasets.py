"""Conversion between Hugging Face datasets and stores or caches of vectors."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
from datasets import Dataset
from numpy.typing import NDArray

from embedcache.ids import normalize, sentence_ids
from embedcache.integrations.text_cache import TextCache
from embedcache.store import EmbeddingStore

_BATCH = 1024  # rows


def to_dataset(texts: Sequence[str], store: EmbeddingStore, encoder: str) -> Dataset:
    """Return texts with their vectors, in memory.

    Args:
        texts: n texts whose vectors are in the store.
        store: Store.
        encoder: Name of the encoder, or at least the first eight digits of its fingerprint.

    Returns:
        n rows with the columns `text`, as given, and `vector`, lists of dim float32 or int32.

    Raises:
        StoreError: The store has no or several such encoders, it lacks a text, or it is damaged.
    """
    info = store.find_space(encoder)
    given = list(texts)
    keys = given if TextCache.owns(info) else [normalize(text) for text in given]
    vectors = store.space(info.fingerprint).vectors(sentence_ids(keys))
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), info.dim)
    return Dataset(pa.table({"text": pa.array(given, pa.string()), "vector": column}))


def add_dataset(
    dataset: Dataset, cache: TextCache, *, text: str = "text", vector: str = "vector"
) -> None:
    """Add the vectors of a dataset to a cache, so that its texts need not be embedded again.

    Args:
        dataset: Texts with their vectors; it may be larger than the memory.
        cache: Cache that is used with the embedder of these vectors.
        text: Column of the texts.
        vector: Column of the vectors.

    Raises:
        StoreError: The store cannot be written, or it has vectors of another length or dtype.
        ValueError: A vector contains NaN or infinity.
    """
    for batch in dataset.with_format("numpy").iter(_BATCH):
        known = dict(zip(map(str, batch[text]), batch[vector], strict=True))
        cache.embed(list(known), partial(_known_vectors, known))


def _known_vectors(
    known: Mapping[str, NDArray[np.float32]], texts: list[str]
) -> NDArray[np.float32]:
    return np.stack([known[text] for text in texts])
