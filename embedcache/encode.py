"""Stage one: give every sentence its vector in the store, each distinct sentence once, ever."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from embedcache.encoders.base import CountsTokens, Encoder
from embedcache.errors import UserError
from embedcache.ids import Ids, normalize, sentence_ids
from embedcache.store import EmbeddingStore, Space, StorageDtype, Vectors, index
from embedcache.store.claims import Claims

CHUNK_SENTENCES = 1 << 16  # looked up, sorted by length and encoded together
BATCH_TOKENS = 1024  # of an encoder that does not say how many suit it
COMMIT_SECONDS = 5.0
_CLAIM_SECONDS = 0.5  # of work claimed at a time
_WAIT_SECONDS = 0.1  # between looks at what another writer has claimed


@dataclass(frozen=True)
class EncodeReport:
    """What a run of stage one did.

    Attributes:
        sentences: how many were given.
        unique: how many different ones.
        encoded: how many of these were encoded now, by the encoder that had most to do.
        cached: how many the store had.
        truncated: how many of the different ones are longer than an encoder's maximum.
        seconds: wall-clock time.
    """

    sentences: int
    unique: int
    encoded: int
    cached: int
    truncated: int
    seconds: float


def encode_sentences(
    sentences: Iterable[str],
    encoder: Encoder | Sequence[Encoder],
    store: EmbeddingStore,
    *,
    dtype: StorageDtype | None = None,
    progress: bool = False,
) -> EncodeReport:
    """Encode the sentences that the store does not have.

    Work is committed every few seconds; what is stopped, by Ctrl-C too, goes on from there when it
    is called again. The sentences may be a generator of any length: they are never held whole.

    Args:
        sentences: normalised here by `embedcache.normalize`.
        encoder: used only if something is missing; or several, which take turns in this order.
        store: where the vectors go, into the space of each encoder's fingerprint.
        dtype: how spaces store numbers, None for float32 where they are new; an encoder with
            `storage_dtype` has its own.
        progress: show a bar on standard error.

    Returns:
        The counts.

    Raises:
        StoreError: the store has the space with another dtype, or something is missing and the
            store is read-only or of an earlier format.
        UserError: a vector is not finite in its space's dtype; what came before it is kept.
    """
    started = time.perf_counter()
    encoders = list(encoder) if isinstance(encoder, Sequence) else [encoder]
    count = 0
    with (
        ExitStack() as stack,
        tqdm(unit=" sentences", disable=None if progress else True, delay=1, total=0) as bar,
    ):
        works = [_Work(one, store, dtype) for one in encoders]
        for work in works:
            stack.callback(work.claims.close)
        remaining = iter(sentences)
        while chunk := [normalize(sentence) for sentence in islice(remaining, CHUNK_SENTENCES)]:
            ids = sentence_ids(chunk)
            for work in works:
                work.take(chunk, ids, bar)
            count += len(chunk)
    unique = works[0].seen.unique
    encoded = max(work.encoded for work in works)
    return EncodeReport(
        sentences=count,
        unique=unique,
        encoded=encoded,
        cached=unique - encoded,
        truncated=max(work.seen.truncated for work in works),
        seconds=time.perf_counter() - started,
    )


class _Work:
    """What one encoder does, chunk by chunk."""

    def __init__(self, encoder: Encoder, store: EmbeddingStore, dtype: StorageDtype | None) -> None:
        self.encoded = 0
        self.seen = _SeenRows()
        self._encoder = encoder
        self._space = store.create_space(
            encoder.fingerprint,
            name=encoder.name,
            dim=encoder.dim,
            dtype=getattr(encoder, "storage_dtype", dtype),
            identity=getattr(encoder, "identity", None),
        )
        self.claims = Claims(store.path, encoder.fingerprint)
        self._claimed_batches = 1  # at a time
        self._pending = _Pending(self._space, encoder, self.claims)

    def take(self, chunk: list[str], ids: Ids, bar: "tqdm[None]") -> None:
        """Encode what is missing of a chunk of sentences."""
        missing = np.flatnonzero(~self._space.contains(ids))
        if len(missing):
            self._space.check_writable()
            missing = missing[index.first_occurrences(ids[missing])]
            texts = [chunk[position] for position in missing]
            self._encode(_Sentences(texts, ids[missing], *lengths_of(self._encoder, texts)), bar)
        self.seen.add(self._space.find(ids))

    def _encode(self, sentences: "_Sentences", bar: "tqdm[None]") -> None:
        """Encode sentences that the store does not have; wait for those that others encode."""
        bar.total += len(sentences.texts)
        bar.refresh()
        left = np.arange(len(sentences.texts))
        try:
            while len(left):
                claimed_by_others = self._encode_unclaimed(sentences, left, bar)
                self.encoded += self._pending.commit()  # before waiting: others may wait for it
                if len(claimed_by_others) == len(left):
                    time.sleep(_WAIT_SECONDS)
                left = self._missing(sentences, claimed_by_others, bar)
        finally:  # Ctrl-C too: what is encoded is kept
            self.encoded += self._pending.commit()

    def _encode_unclaimed(
        self, sentences: "_Sentences", left: NDArray[np.int64], bar: "tqdm[None]"
    ) -> NDArray[np.int64]:
        """Encode what no other writer has claimed, and return the positions of the rest."""
        budget = getattr(self._encoder, "batch_tokens", BATCH_TOKENS)
        batches = [left[batch] for batch in token_batches(sentences.lengths[left], budget)]
        claimed_by_others = []
        wanted = np.zeros(len(sentences.texts), dtype=np.bool_)
        while batches:
            started = time.monotonic()
            group, batches = batches[: self._claimed_batches], batches[self._claimed_batches :]
            positions = np.concatenate(group)
            free = self.claims.take(sentences.ids[positions])
            claimed_by_others.append(positions[~free])
            wanted[self._missing(sentences, positions[free], bar)] = True
            for batch in group:
                self._encode_batch(sentences, batch[wanted[batch]], bar)
            seconds = time.monotonic() - started
            factor = 2 if 2 * seconds < _CLAIM_SECONDS else _CLAIM_SECONDS / seconds
            self._claimed_batches = max(int(factor * self._claimed_batches), 1)
        return np.concatenate(claimed_by_others)

    def _encode_batch(
        self, sentences: "_Sentences", batch: NDArray[np.int64], bar: "tqdm[None]"
    ) -> None:
        if len(batch):
            texts = [sentences.texts[position] for position in batch]
            vectors = self._encoder.encode(texts)
            check_finite(vectors, texts, self._encoder, self._pending.dtype)
            self._pending.add(sentences.ids[batch], vectors, sentences.truncated[batch])
            bar.update(len(batch))
            self.encoded += self._pending.commit_if_due()

    def _missing(
        self, sentences: "_Sentences", positions: NDArray[np.int64], bar: "tqdm[None]"
    ) -> NDArray[np.int64]:
        """Drop the positions of sentences that another writer has committed."""
        missing = positions[~self._space.contains(sentences.ids[positions])]
        bar.update(len(positions) - len(missing))
        return missing


@dataclass(frozen=True)
class _Sentences:
    """Different sentences to be encoded.

    Attributes:
        texts: n sentences.
        ids: (n, 2) uint64.
        lengths: (n,) int64, see `_lengths`.
        truncated: (n,) bool, likewise.
    """

    texts: list[str]
    ids: Ids
    lengths: NDArray[np.int64]
    truncated: NDArray[np.bool_]


class _SeenRows:
    """Counts different sentences by their rows: two bytes for each row of the store."""

    def __init__(self) -> None:
        self._seen = np.zeros(0, dtype=np.bool_)
        self._truncated = np.zeros(0, dtype=np.bool_)

    def add(self, entries: NDArray[np.int64]) -> None:
        rows = index.entry_rows(entries)
        missing = int(rows.max(initial=-1)) + 1 - len(self._seen)
        if missing > 0:
            grown = missing + len(self._seen)
            self._seen = np.pad(self._seen, (0, grown))
            self._truncated = np.pad(self._truncated, (0, grown))
        self._seen[rows] = True
        self._truncated[rows[index.entry_truncated(entries)]] = True

    @property
    def unique(self) -> int:
        return int(np.count_nonzero(self._seen))

    @property
    def truncated(self) -> int:
        return int(np.count_nonzero(self._truncated))


def check_finite(
    vectors: Vectors, texts: list[str], encoder: Encoder, dtype: np.dtype[Any]
) -> None:
    """Raise UserError for a vector, a row of (n, d), that a dtype cannot hold."""
    if dtype.kind != "f":
        return
    wrong = ~(np.abs(vectors) <= np.finfo(dtype).max).all(axis=1)
    if wrong.any():
        precision = getattr(encoder, "precision", "float32")
        raise UserError(
            f"{encoder.name}, which computes in {precision}, gives no vector that {dtype} holds to "
            f"{texts[int(wrong.argmax())][:40]!r}: what was encoded before it is kept"
        )


def lengths_of(encoder: Encoder, texts: list[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return each text's length to the encoder, at most its maximum, and whether it is longer."""
    if isinstance(encoder, CountsTokens):
        tokens = encoder.count_tokens(texts)
        return np.minimum(tokens, encoder.max_tokens), tokens > encoder.max_tokens
    return np.array([len(text) for text in texts]), np.zeros(len(texts), dtype=np.bool_)


def token_batches(lengths: NDArray[np.int64], tokens: int) -> Iterator[NDArray[np.int64]]:
    """Group sentences of like length.

    Args:
        lengths: (n,) token counts.
        tokens: most tokens of a batch, padding counted; a longer sentence is a batch of its own.

    Yields:
        Positions of the batches' sentences. Long and short batches come mixed (in a fixed random
        order), so that the rate seen so far foretells the time that is left.
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


class _Pending:
    """Vectors that wait for the next commit."""

    def __init__(self, space: Space, encoder: Encoder, claims: Claims) -> None:
        self._space = space
        self._claims = claims
        self._encoder = encoder
        self.dtype = np.dtype(space.info().dtype)
        self._parts: list[tuple[Ids, Vectors, NDArray[np.bool_]]] = []
        self._committed = time.monotonic()

    def add(self, ids: Ids, vectors: Vectors, truncated: NDArray[np.bool_]) -> None:
        self._parts.append((ids, vectors, truncated))

    def commit_if_due(self) -> int:
        return self.commit() if time.monotonic() - self._committed > COMMIT_SECONDS else 0

    def commit(self) -> int:
        if not self._parts:
            return 0
        ids, vectors, truncated = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        precision = getattr(self._encoder, "precision", "float32")
        new = self._space.append(ids, vectors, truncated=truncated, precision=precision)
        self._parts.clear()
        self._claims.forget()
        self._committed = time.monotonic()
        return new
