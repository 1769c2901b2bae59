"""Encodes sentences in memory, except those whose vectors a store already has."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from embedcache.batches import BatchEncoder, token_batches
from embedcache.encoders.base import Encoder
from embedcache.encoders.threads import check_threads
from embedcache.ids import normalize, sentence_ids
from embedcache.store import EmbeddingStore, Vectors
from embedcache.terminal import progress_bar


def encode_in_memory(
    sentences: Sequence[str],
    encoder: Encoder,
    store: EmbeddingStore | None = None,
    *,
    threads: int | None = None,
    progress: bool = False,
) -> Vectors:
    """Return the vectors of sentences; each distinct sentence that the store lacks is encoded once.

    Args:
        sentences: n sentences; they are normalized by `embedcache.normalize`.
        encoder: Encoder of the sentences that the store lacks.
        store: Store from which existing vectors are read; it is not changed. None to encode all
            sentences.
        threads: Number of threads that encode; None for the number of cores that this process may
            use. See `embedcache.encode_sentences`.
        progress: Whether to show a progress bar on standard error.

    Returns:
        (n, dim) vectors: int32 if the encoder stores int32, otherwise float32.

    Raises:
        StoreError: The store is damaged.
        UserError: The number of threads is below 1 or above 4096, the encoder cannot be loaded or
            run, or a vector contains NaN or infinity.
        ValueError: The encoder returns an array of a wrong shape.
    """
    check_threads(threads)  # even if the store has all vectors
    normalized = [normalize(sentence) for sentence in sentences]
    positions = {text: position for position, text in enumerate(dict.fromkeys(normalized))}
    dtype: np.dtype[Any] = np.dtype("int32" if encoder.storage_dtype == "int32" else "float32")
    vectors: Vectors = np.zeros((len(positions), encoder.dim), dtype=dtype)
    start = 0
    for part in encoder.parts:
        columns = vectors[:, start : start + part.dim]
        _encode_into(columns, list(positions), part, store, threads, progress=progress)
        start += part.dim
    return vectors[[positions[text] for text in normalized]]


def _encode_into(
    out: Vectors,
    texts: list[str],
    encoder: Encoder,
    store: EmbeddingStore | None,
    threads: int | None,
    *,
    progress: bool,
) -> None:
    """Write the vectors of n distinct sentences into `out` (n, dim)."""
    known = np.zeros(len(texts), dtype=np.bool_)
    space = store.get_space(encoder.fingerprint) if store else None
    if space is not None:
        ids = sentence_ids(texts)
        known = space.contains(ids)
        out[known] = space.vectors(ids[known])
    missing = np.flatnonzero(~known)
    if not len(missing):  # a Transformer is loaded even to tokenize no sentences
        return
    absent = [texts[position] for position in missing]
    with (
        progress_bar(len(missing), "sentences", show=progress) as bar,
        BatchEncoder(encoder, out.dtype, threads) as batch_encoder,
    ):
        tokens = encoder.tokenize(absent)
        batches = token_batches(tokens.lengths, encoder.batch_tokens)
        for batch, vectors in batch_encoder.encode(absent, tokens.inputs, batches):
            out[missing[batch]] = vectors
            bar.update(len(batch))
