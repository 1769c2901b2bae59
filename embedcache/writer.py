"""Encodes the sentences that a space lacks, in parallel with other writers of the same space."""

import time
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from embedcache.batches import BatchEncoder, token_batches
from embedcache.encoders.base import Encoder, Tokens
from embedcache.ids import Ids
from embedcache.store import EmbeddingStore, StorageDtype, Vectors, index
from embedcache.store.claims import Claims

COMMIT_SECONDS = 5.0  # between two commits while sentences are encoded
_CLAIM_SECONDS = 2.0  # intended time to encode the sentences of one claim
_WAIT_SECONDS = 0.1  # between lookups of sentences that another writer has claimed


@dataclass(frozen=True)
class _Missing:
    """Distinct sentences that the space lacks.

    Attributes:
        texts: n normalized sentences.
        ids: (n, 2) uint64 ids of the sentences.
        tokens: Tokens of the sentences.
    """

    texts: list[str]
    ids: Ids
    tokens: Tokens


class SpaceWriter:
    """Encodes sentences with one encoder and commits their vectors every few seconds.

    Use the writer as a context manager. At the end, it gives up its claims on sentences; see
    `embedcache.store.claims`.

    Args:
        encoder: Encoder that is not joined.
        store: Store of the vectors; the encoder's space in it is created if it is missing.
        dtype: Dtype of the space; see `embedcache.encode_sentences`.
        bar: Progress bar that counts encoded sentences.
        threads: Number of threads that encode; see `embedcache.batches.BatchEncoder`.

    Attributes:
        space: Space of the encoder.
        encoded: Number of vectors that this writer has committed.
        writing_seconds: Wall-clock time of the commits.

    Raises:
        StoreError: The space exists with another dimension or dtype, or it is missing and the store
            cannot be written.
        UserError: The number of threads is below 1 or above 4096.
    """

    def __init__(
        self,
        encoder: Encoder,
        store: EmbeddingStore,
        dtype: StorageDtype | None,
        bar: "tqdm[None]",
        threads: int | None = None,
    ) -> None:
        self.encoded = 0
        self.writing_seconds = 0.0
        self.space = store.create_space(
            encoder.fingerprint,
            name=encoder.name,
            dim=encoder.dim,
            dtype=encoder.storage_dtype or dtype,
            identity=encoder.identity,
        )
        self._encoder = encoder
        self._bar = bar
        dtype_of_space = np.dtype(self.space.info().dtype)
        self._batches = BatchEncoder(encoder, dtype_of_space, threads)
        self._claims = Claims(store.path, encoder.fingerprint)
        self._claimed_batches = 1  # number of batches that are claimed at a time
        self._pending: list[tuple[Ids, Vectors, NDArray[np.bool_]]] = []
        self._committed_at = time.monotonic()

    def __enter__(self) -> "SpaceWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._batches.close()
        self._claims.close()

    def find_missing(self, ids: Ids) -> NDArray[np.int64]:
        """Return the positions in `ids` (n, 2) of the distinct sentences that the space lacks."""
        absent = np.flatnonzero(~self.space.contains(ids))
        return absent[index.first_occurrences(ids[absent])]

    def encode_missing(self, texts: list[str], ids: Ids) -> None:
        """Encode the sentences that the space lacks; wait for those that other writers encode.

        Args:
            texts: n normalized sentences.
            ids: (n, 2) uint64 ids of the sentences.

        Raises:
            StoreError: Sentences are missing and the store cannot be written, or it is damaged.
            UserError: The encoder cannot be loaded or run, or a vector would contain NaN or
                infinity in the dtype of the space. Vectors that were computed earlier are kept.
            ValueError: The encoder returns an array of a wrong shape.
        """
        absent = self.find_missing(ids)
        if not len(absent):
            return
        self.space.check_writable()
        distinct = [texts[position] for position in absent]
        self._bar.set_description(f"loading {self._encoder.name}")
        missing = _Missing(distinct, ids[absent], self._encoder.tokenize(distinct))
        self._bar.set_description(None)
        self._bar.unpause()  # the rate does not include the time to load the model
        remaining = np.arange(len(absent))
        try:
            while len(remaining):
                claimed_by_others = self._encode_unclaimed(missing, remaining)
                self._commit()  # before waiting: others may wait for these vectors
                if len(claimed_by_others) == len(remaining):
                    time.sleep(_WAIT_SECONDS)
                remaining = self._drop_committed(missing, claimed_by_others)
        finally:  # also after Ctrl-C: computed vectors are kept
            self._commit()

    def _encode_unclaimed(
        self, missing: _Missing, remaining: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Encode the sentences that no other writer has claimed.

        Args:
            missing: Sentences that the space lacked at first.
            remaining: Positions of the sentences that the space still lacks.

        Returns:
            Positions of the sentences that another writer has claimed.
        """
        lengths = missing.tokens.lengths[remaining]
        parts = token_batches(lengths, self._encoder.batch_tokens)
        batches = [remaining[part] for part in parts]
        claimed_by_others = []
        wanted = np.zeros(len(missing.texts), dtype=np.bool_)
        while batches:
            started = time.monotonic()
            group, batches = batches[: self._claimed_batches], batches[self._claimed_batches :]
            positions = np.concatenate(group)
            free = self._claims.take(missing.ids[positions])
            claimed_by_others.append(positions[~free])
            wanted[self._drop_committed(missing, positions[free])] = True
            self._encode_batches(missing, [batch[wanted[batch]] for batch in group])
            if wanted[positions].all():  # otherwise only a part of the group was encoded
                self._adapt_claims(len(group), time.monotonic() - started)
            # only after a group, because a commit gives up the claims on the whole group
            if time.monotonic() - self._committed_at > COMMIT_SECONDS:
                self._commit()
        return np.concatenate(claimed_by_others)

    def _adapt_claims(self, batches: int, seconds: float) -> None:
        """Choose how many batches to claim next, so that they take about `_CLAIM_SECONDS`.

        Args:
            batches: Number of batches of the last claim; the next one has at most twice as many.
            seconds: Time that their encoding took.
        """
        factor = 2 if 2 * seconds < _CLAIM_SECONDS else _CLAIM_SECONDS / seconds
        self._claimed_batches = max(int(factor * batches), 1)

    def _encode_batches(self, missing: _Missing, batches: list[NDArray[np.int64]]) -> None:
        wanted = [batch for batch in batches if len(batch)]
        tokens = missing.tokens
        for batch, vectors in self._batches.encode(missing.texts, tokens.inputs, wanted):
            # copied, because an encoder may return the same array again, with other vectors
            self._pending.append((missing.ids[batch], vectors.copy(), tokens.truncated[batch]))
            self._bar.update(len(batch))

    def _drop_committed(self, missing: _Missing, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the positions of those sentences that no writer has committed in the meantime."""
        absent = positions[~self.space.contains(missing.ids[positions])]
        self._bar.update(len(positions) - len(absent))
        return absent

    def _commit(self) -> None:
        if not self._pending:
            return
        started = time.monotonic()
        ids, vectors, truncated = map(np.concatenate, zip(*self._pending, strict=True))
        precision = self._encoder.computation
        self.encoded += self.space.append(ids, vectors, truncated=truncated, precision=precision)
        self._pending.clear()
        self._claims.forget()
        self._committed_at = time.monotonic()
        self.writing_seconds += self._committed_at - started
