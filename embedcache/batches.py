"""Groups sentences into batches, and encodes a batch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache.encoders.base import Encoder
from embedcache.errors import UserError
from embedcache.store import Vectors


def measure_lengths(
    encoder: Encoder, texts: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Count the tokens of n normalized sentences that an encoder will read.

    Returns:
        (n,) int64 token counts, limited to the encoder's maximum, and (n,) bool, True for sentences
        that the encoder truncates.
    """
    tokens = encoder.count_tokens(texts)
    if encoder.max_tokens is None:
        return tokens, np.zeros(len(texts), dtype=np.bool_)
    return np.minimum(tokens, encoder.max_tokens), tokens > encoder.max_tokens


def token_batches(lengths: NDArray[np.int64], tokens: int) -> Iterator[NDArray[np.int64]]:
    """Group sentences of similar length into batches.

    Args:
        lengths: (n,) token counts.
        tokens: Maximum number of tokens in a batch, padding included. A longer sentence forms
            a batch of its own.

    Yields:
        Positions of the sentences in each batch. Batches of long and of short sentences alternate
        in a fixed random order, so that a progress bar estimates the remaining time well.
    """
    order = np.argsort(-lengths, kind="stable")
    batches = []
    start = 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        batches.append(order[start : start + max(tokens // longest, 1)])
        start += len(batches[-1])
    for number in np.random.default_rng(0).permutation(len(batches)):
        yield batches[number]


def encode_batch(encoder: Encoder, texts: list[str], dtype: np.dtype[Any]) -> Vectors:
    """Encode n sentences in one batch.

    Args:
        encoder: Encoder of the sentences.
        texts: n normalized sentences.
        dtype: Dtype to which the caller will convert the vectors.

    Returns:
        (n, dim) vectors as the encoder returns them.

    Raises:
        UserError: A vector would contain NaN or infinity in this dtype.
    """
    vectors = encoder.encode(texts)
    if dtype.kind == "f":
        not_finite = ~(np.abs(vectors) <= np.finfo(dtype).max).all(axis=1)
        if not_finite.any():
            raise UserError(
                f"{encoder.name}, which computes in {encoder.precision}, returns a vector that is "
                f"not finite in {dtype} for {texts[int(not_finite.argmax())][:40]!r}; vectors that "
                "were stored earlier are kept"
            )
    return vectors
