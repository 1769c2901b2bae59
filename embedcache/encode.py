"""Stage one: encode sentences into the store, each distinct sentence once."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from embedcache.encoders.base import Encoder
from embedcache.encoders.threads import check_threads
from embedcache.ids import normalize, sentence_ids
from embedcache.store import EmbeddingStore, StorageDtype, index
from embedcache.terminal import progress_bar
from embedcache.writer import SpaceWriter

CHUNK_SENTENCES = 1 << 16  # number of sentences that are looked up, sorted and encoded together


@dataclass(frozen=True)
class EncodeReport:
    """Counts from one call to `encode_sentences`.

    Attributes:
        sentences: Number of sentences given.
        unique: Number of distinct sentences.
        encoded: Number of sentences that the call encoded; for a joined encoder, the largest number
            that any of its parts encoded.
        cached: Number of distinct sentences that the call did not encode, because the store had
            their vectors already or another process added them during the call.
        truncated: Number of distinct sentences longer than the encoder's maximum; for a joined
            encoder, the largest number of any of its parts.
        seconds: Wall-clock time of the call.
        writing_seconds: Part of `seconds` in which vectors were written.
    """

    sentences: int
    unique: int
    encoded: int
    cached: int
    truncated: int
    seconds: float
    writing_seconds: float


def encode_sentences(
    sentences: Iterable[str],
    encoder: Encoder,
    store: EmbeddingStore,
    *,
    dtype: StorageDtype | None = None,
    threads: int | None = None,
    keep_text: bool = False,
    progress: bool = False,
) -> EncodeReport:
    """Encode the sentences that the store does not have.

    Vectors are committed every few seconds. If the call is interrupted, repeat it to continue
    from the last commit.

    Args:
        sentences: Sentences; they are normalized by `embedcache.normalize`. A generator may be of
            any length: it is read in chunks.
        encoder: Encoder of the sentences. Its model is loaded only if the store lacks a vector.
        store: Store to which the vectors are added. It keeps the vectors of each encoder, or of
            each part of a joined encoder, in a separate space.
        dtype: Dtype of the stored numbers; None for the dtype of an existing space, or float32 for
            a new one. The `storage_dtype` of an encoder overrides it.
        threads: Number of threads that encode, each on one core; None for the number of cores that
            this process may use. One thread encodes if `Encoder.is_parallel` is False, for example
            on a GPU.
        keep_text: Whether to keep the normalized sentences in the store too; see
            `EmbeddingStore.texts`. Each is committed before its vector, once for all encoders.
        progress: Whether to show a progress bar on standard error, with the number of distinct
            sentences to encode. For a generator, this number grows as the sentences are read.

    Returns:
        Counts of sentences, and the time that the call took.

    Raises:
        StoreError: The space exists with another dimension or dtype, the store is damaged, or
            something must be written and the store is read-only or of an earlier format.
        UserError: The number of threads is below 1 or above 4096, the encoder cannot be loaded or
            run, or a vector would contain NaN or infinity in the dtype of its space. Vectors that
            were stored earlier are kept.
        ValueError: The encoder returns an array of a wrong shape.
    """
    check_threads(threads)  # before a space is created
    started = time.perf_counter()
    count = 0
    # fast parts first, so that after an interruption every sentence that the last part has encoded
    # already has the vectors of the other parts
    *others, last = sorted(encoder.parts, key=lambda part: not part.is_fast)
    with (
        ExitStack() as stack,
        progress_bar(0, "sentences", show=progress) as bar,
        progress_bar(0, "sentences", show=False) as no_bar,
    ):
        bars = [*((part, no_bar) for part in others), (last, bar)]
        writers = [
            stack.enter_context(SpaceWriter(part, store, dtype, part_bar, threads))
            for part, part_bar in bars
        ]
        is_sequence = isinstance(sentences, Sequence)
        if is_sequence and not bar.disable:
            bar.total = _count_missing(sentences, writers[-1])
        seen = [_SeenRows() for _ in writers]
        for chunk in _chunks(sentences):
            ids = sentence_ids(chunk)
            if keep_text:
                store.texts().add(chunk)
            if not (is_sequence or bar.disable):
                bar.total += len(writers[-1].find_missing(ids))
            for writer, seen_rows in zip(writers, seen, strict=True):
                writer.encode_missing(chunk, ids)
                seen_rows.add(writer.space.find(ids))
            count += len(chunk)
    unique = seen[0].unique
    encoded = max(writer.encoded for writer in writers)
    return EncodeReport(
        sentences=count,
        unique=unique,
        encoded=encoded,
        cached=unique - encoded,
        truncated=max(seen_rows.truncated for seen_rows in seen),
        seconds=time.perf_counter() - started,
        writing_seconds=sum(writer.writing_seconds for writer in writers),
    )


def _chunks(sentences: Iterable[str]) -> Iterator[list[str]]:
    """Normalize sentences, and yield them in lists of at most `CHUNK_SENTENCES`."""
    remaining = iter(sentences)
    while chunk := [normalize(sentence) for sentence in islice(remaining, CHUNK_SENTENCES)]:
        yield chunk


def _count_missing(sentences: Iterable[str], writer: SpaceWriter) -> int:
    """Count the distinct sentences that the space of a writer lacks."""
    missing = [np.zeros((0, 2), dtype=np.uint64)]
    for chunk in _chunks(sentences):
        ids = sentence_ids(chunk)
        missing.append(ids[writer.find_missing(ids)])
    return len(index.first_occurrences(np.concatenate(missing)))


class _SeenRows:
    """Counts distinct sentences by their rows; uses up to four bytes for each row of the space."""

    def __init__(self) -> None:
        self._seen = np.zeros(0, dtype=np.bool_)
        self._truncated = np.zeros(0, dtype=np.bool_)

    def add(self, entries: NDArray[np.int64]) -> None:
        """Count entries (n,) of the index, none of which may be MISSING."""
        rows = index.entry_rows(entries)
        needed = int(rows.max(initial=-1)) + 1
        if needed > len(self._seen):  # more than doubled, so that the arrays are rarely copied
            self._seen = np.pad(self._seen, (0, needed))
            self._truncated = np.pad(self._truncated, (0, needed))
        self._seen[rows] = True
        self._truncated[rows[index.entry_truncated(entries)]] = True

    @property
    def unique(self) -> int:
        return int(np.count_nonzero(self._seen))

    @property
    def truncated(self) -> int:
        return int(np.count_nonzero(self._truncated))
