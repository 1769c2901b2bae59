"""Vectors of sentences without writing anything: from a store where it has them, else computed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from embedcache.encode import BATCH_TOKENS, check_finite, lengths_of, token_batches
from embedcache.encoders.base import Encoder
from embedcache.ids import normalize, sentence_ids
from embedcache.store import EmbeddingStore, Vectors


def encode_in_memory(
    sentences: Sequence[str],
    encoder: Encoder,
    store: EmbeddingStore | None = None,
    *,
    progress: bool = False,
) -> Vectors:
    """Return the vectors of sentences; each distinct sentence that the store lacks is encoded once.

    Args:
        sentences: n sentences, normalised here by `embedcache.normalize`.
        encoder: encodes what is missing.
        store: where vectors of the encoder may be; it is only read.
        progress: show a bar on standard error.

    Returns:
        (n, dim): int32 where the encoder stores int32, else float32.

    Raises:
        StoreError: the store is damaged.
        UserError: a vector is not finite.
    """
    normalized = [normalize(sentence) for sentence in sentences]
    places = {text: place for place, text in enumerate(dict.fromkeys(normalized))}
    texts = list(places)
    dtype = np.dtype(getattr(encoder, "storage_dtype", "float32"))
    vectors: NDArray[Any] = np.zeros((len(texts), encoder.dim), dtype=dtype)
    known = np.zeros(len(texts), dtype=np.bool_)
    if store and any(info.fingerprint == encoder.fingerprint for info in store.spaces()):
        space, ids = store.space(encoder.fingerprint), sentence_ids(texts)
        known = space.contains(ids)
        vectors[known] = space.vectors(ids[known])
    missing = np.flatnonzero(~known)
    lengths, _ = lengths_of(encoder, [texts[place] for place in missing])
    batches = token_batches(lengths, getattr(encoder, "batch_tokens", BATCH_TOKENS))
    hidden = None if progress else True
    with tqdm(total=len(missing), unit=" sentences", disable=hidden, delay=1) as bar:
        for batch in batches:
            batch_texts = [texts[place] for place in missing[batch]]
            encoded = encoder.encode(batch_texts)
            check_finite(encoded, batch_texts, encoder, dtype)
            vectors[missing[batch]] = encoded
            bar.update(len(batch))
    return vectors[[places[text] for text in normalized]]
