"""Groups sentences into batches, and encodes batches in parallel."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache.encoders.base import Encoder
from embedcache.encoders.threads import check_threads
from embedcache.errors import UserError
from embedcache.store import Vectors


def token_batches(lengths: NDArray[np.int64], tokens: int) -> Iterator[NDArray[np.int64]]:
    """Group sentences of similar length into batches.

    Args:
        lengths: (n,) int64 token counts.
        tokens: Maximum number of tokens in a batch, padding included. A longer sentence forms
            a batch of its own.

    Yields:
        Positions (b,) of the sentences of a batch. The batches come in a random order, which is the
        same in each call, so that a progress bar estimates the remaining time well.
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


class BatchEncoder:
    """Encodes batches, several at once if the encoder supports it.

    Each thread encodes one batch at a time on one core. If several threads shared a batch, they
    would wait for the slowest of them, especially if other processes use the cores too.

    Use it as a context manager, or call `close` at the end.

    Args:
        encoder: Encoder of the sentences.
        dtype: Dtype to which the caller will convert the vectors.
        threads: Number of threads; None for the number of cores that this process may use.

    Raises:
        UserError: The number of threads is below 1 or above 4096.
    """

    def __init__(self, encoder: Encoder, dtype: np.dtype[Any], threads: int | None = None) -> None:
        self._encoder = encoder
        self._dtype = dtype
        self._threads = check_threads(threads)
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> "BatchEncoder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for the batches that threads are encoding, and cancel the others."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def encode(
        self, texts: list[str], inputs: list[Any], batches: Iterable[NDArray[np.int64]]
    ) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
        """Encode batches, and yield their vectors in the same order.

        Args:
            texts: n normalized sentences.
            inputs: Input of the encoder for each sentence; see `embedcache.encoders.Tokens`.
            batches: Positions of the sentences in each batch.

        Yields:
            Positions (b,) of a batch, and its vectors (b, dim) as the encoder returns them.

        Raises:
            UserError: A vector would contain NaN or infinity in the dtype.
            ValueError: The vectors of a batch do not have the shape (b, dim).
        """
        waiting = deque[tuple[NDArray[np.int64], Future[Vectors]]]()
        for batch in batches:
            batch_inputs = [inputs[position] for position in batch]
            if not self._is_parallel():
                yield batch, self._check(texts, batch, self._encoder.encode_tokens(batch_inputs))
                continue
            if len(waiting) == 2 * self._threads:
                yield self._next(texts, waiting)
            waiting.append((batch, self._start(batch_inputs)))
        while waiting:
            yield self._next(texts, waiting)

    def _is_parallel(self) -> bool:
        return self._threads > 1 and self._encoder.is_parallel

    def _start(self, inputs: list[Any]) -> "Future[Vectors]":
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "encode")
        return self._pool.submit(self._encoder.encode_tokens, inputs)

    def _next(
        self, texts: list[str], waiting: "deque[tuple[NDArray[np.int64], Future[Vectors]]]"
    ) -> tuple[NDArray[np.int64], Vectors]:
        batch, future = waiting.popleft()
        return batch, self._check(texts, batch, future.result())

    def _check(self, texts: list[str], batch: NDArray[np.int64], vectors: Vectors) -> Vectors:
        expected = (len(batch), self._encoder.dim)
        if vectors.shape != expected:  # the caller would broadcast a single vector or number
            raise ValueError(
                f"{self._encoder.name} returns vectors of the shape {vectors.shape} instead of "
                f"{expected}"
            )
        if self._dtype.kind == "f":
            not_finite = ~(np.abs(vectors) <= np.finfo(self._dtype).max).all(axis=1)
            if not_finite.any():
                text = texts[batch[int(not_finite.argmax())]]
                raise UserError(
                    f"{self._encoder.name} returns a vector that is not finite in {self._dtype} "
                    f"for {text[:40]!r} (computed in {self._encoder.precision}): use a wider "
                    "--precision or --dtype; vectors that were stored earlier are kept"
                )
        return vectors
