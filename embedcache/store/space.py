"""Lookup, reading and addition of the vectors of one encoder in a store.

`embedcache.store.store` describes the layout.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import lmdb
import numpy as np
from numpy.typing import NDArray

from embedcache.errors import StoreError
from embedcache.ids import Ids
from embedcache.store import index, values
from embedcache.store.environment import Environment
from embedcache.store.space_info import (
    BLOCK_ROWS,
    SpaceInfo,
    block_bytes,
    block_key,
    put_info,
    read_info,
    segment_key,
)

_COPYING_THREADS = min(4, os.cpu_count() or 1)

Vectors = NDArray[np.float32] | NDArray[np.int32]
"""Vectors in memory: int32 if they are stored as int32, else float32."""


class Space:
    """The vectors of one encoder in a store; see `EmbeddingStore.space`."""

    def __init__(self, environment: Environment, fingerprint: str) -> None:
        self._environment = environment
        self.fingerprint = fingerprint

    def __len__(self) -> int:
        return self.info().rows

    def info(self) -> SpaceInfo:
        """Read the current description of the space.

        Raises:
            StoreError: The description is missing or damaged.
        """
        with self._environment.reading() as transaction:
            return self._info(transaction)

    def find(self, ids: Ids) -> NDArray[np.int64]:
        """Look up ids (n, 2): (n,) int64 entries of the index, MISSING for absent ids.

        Raises:
            StoreError: The description of the space, or its index, is missing or damaged.
        """
        with self._environment.reading() as transaction:
            return self._find(transaction, self._info(transaction), ids)

    def contains(self, ids: Ids) -> NDArray[np.bool_]:
        """Return which of the ids (n, 2) have a vector: (n,) bool."""
        return np.not_equal(self.find(ids), index.MISSING)

    def vectors(self, ids: Ids, *, out: Vectors | None = None) -> Vectors:
        """Gather the vectors of sentences.

        Args:
            ids: (n, 2) uint64 sentence ids, in any order, repeats allowed.
            out: (n, dim) array to write to, for example columns of a larger array; None to create
                one.

        Returns:
            (n, dim) `out`, or a new array: int32 if the space stores int32, else float32.

        Raises:
            StoreError: A sentence has no vector, or the store is damaged.
        """
        with self._environment.reading() as transaction:
            info = self._info(transaction)
            entries = self._find(transaction, info, ids)
            absent = int(np.count_nonzero(entries == index.MISSING))
            if absent:
                raise StoreError(
                    f"{info.name} has no vector for {absent:,} of {len(ids):,} sentences in "
                    f"{self._environment.path}: embed them first"
                )
            if out is None:
                out = np.empty((len(ids), info.dim), dtype=info.memory_dtype)
            self._gather(transaction, info, index.entry_rows(entries), out)
        return out

    def precisions(self, ids: Ids) -> dict[str, int]:
        """Count vectors by the precision in which they were computed.

        Args:
            ids: (n, 2) uint64 sentence ids. Those without a vector are not counted; an id that is
                repeated is counted each time.

        Returns:
            Counts above zero by the name of the precision, for example "float32". The name is
            "unknown" for vectors from a store of format 1 that had several precisions.

        Raises:
            StoreError: The description of the space, or its index, is missing or damaged.
        """
        with self._environment.reading() as transaction:
            info = self._info(transaction)
            entries = self._find(transaction, info, ids)
        numbers = index.entry_precisions(entries[entries != index.MISSING])
        if len(info.precisions) == 1:  # format 1 has no precision for each row
            numbers = np.ones_like(numbers)
        names = ["unknown", *info.precisions]
        counts = np.bincount(numbers, minlength=len(names)).tolist()
        return {name: count for name, count in zip(names, counts, strict=True) if count}

    def check_writable(self) -> None:
        """Check that vectors can be added.

        Raises:
            StoreError: The store is read-only, damaged or of an earlier format.
        """
        self._environment.check_writable()
        with self._environment.reading() as transaction:
            values.check_format(self._environment, transaction)

    def append(
        self,
        ids: Ids,
        vectors: NDArray[np.floating[Any]] | NDArray[np.int32],
        *,
        truncated: NDArray[np.bool_] | None = None,
        precision: str = "float32",
    ) -> int:
        """Add vectors in one transaction; skip sentences that the space already has.

        Args:
            ids: (n, 2) uint64 sentence ids; if one is repeated, its first vector is added.
            vectors: (n, dim) vectors, which are converted to the dtype of the space.
            truncated: (n,) bool, whether the encoder read only the beginning of each sentence; None
                if it read all sentences in full.
            precision: Precision in which the vectors were computed.

        Returns:
            Number of new vectors.

        Raises:
            StoreError: The store is read-only or of an earlier format, a value that must be
                rewritten is damaged, or the disk is full. The store is not changed.
            ValueError: A shape or dtype is wrong, a vector contains NaN or infinity in the dtype of
                the space, or the space would have more than 63 precisions.
        """
        _check_vectors(self.info(), ids, vectors)
        if truncated is None:
            truncated = np.zeros(len(ids), dtype=np.bool_)
        first = index.first_occurrences(ids)
        if len(first) < len(ids):
            ids, vectors, truncated = ids[first], vectors[first], truncated[first]

        def add(transaction: lmdb.Transaction) -> int:
            return self._add(transaction, ids, vectors, truncated, precision)

        return self._environment.write(add, vectors.nbytes + 64 * len(ids) + (1 << 22))

    def _add(
        self,
        transaction: lmdb.Transaction,
        ids: Ids,
        vectors: NDArray[np.floating[Any]] | NDArray[np.int32],
        truncated: NDArray[np.bool_],
        precision: str,
    ) -> int:
        """Add vectors of distinct sentences in a transaction; see `append`."""
        values.check_format(self._environment, transaction)
        info = self._info(transaction, reverify=True)
        is_new = self._find(transaction, info, ids) == index.MISSING
        count = int(np.count_nonzero(is_new))
        if not count:
            return 0
        if count < len(ids):  # otherwise indexing would copy everything
            ids, vectors, truncated = ids[is_new], vectors[is_new], truncated[is_new]
        self._write_blocks(transaction, info, vectors.astype(info.dtype, copy=False))
        precisions = dict(info.precisions)
        precisions[precision] = precisions.get(precision, 0) + count
        number = list(precisions).index(precision) + 1
        if number > index.LARGEST_PRECISION:
            raise ValueError(f"a space has at most {index.LARGEST_PRECISION} precisions")
        rows = np.arange(info.rows, info.rows + count)
        entries = index.make_entries(rows, truncated, number)
        segment = index.Segment.sorted_from(ids, entries)
        changed = replace(
            info,
            rows=info.rows + count,
            precisions=precisions,
            segments=self._write_segment(transaction, info, segment),
        )
        put_info(transaction, changed)
        return count

    def _info(self, transaction: lmdb.Transaction, *, reverify: bool = False) -> SpaceInfo:
        return read_info(self._environment, transaction, self.fingerprint, reverify=reverify)

    def _find(self, transaction: lmdb.Transaction, info: SpaceInfo, ids: Ids) -> NDArray[np.int64]:
        segments = [self._segment(transaction, info, number) for number, _ in info.segments]
        segments.sort(key=len, reverse=True)
        return index.find_in(segments, ids)

    def _segment(
        self, transaction: lmdb.Transaction, info: SpaceInfo, number: int, *, reverify: bool = False
    ) -> index.Segment:
        data = self._value(transaction, segment_key(info, number), reverify=reverify)
        return index.Segment.from_bytes(data)

    def _block(
        self, transaction: lmdb.Transaction, info: SpaceInfo, number: int, *, reverify: bool = False
    ) -> NDArray[Any]:
        data = self._value(transaction, block_key(info, number), reverify=reverify)
        if len(data) != block_bytes(info, number):  # an older version of the block
            raise values.damaged(self._environment, block_key(info, number))
        return np.frombuffer(data, dtype=info.dtype).reshape(-1, info.dim)

    def _value(self, transaction: lmdb.Transaction, key: bytes, *, reverify: bool) -> memoryview:
        value = values.get(self._environment, transaction, key, reverify=reverify)
        if value is None:
            raise values.damaged(self._environment, key)
        return value

    def _gather(
        self, transaction: lmdb.Transaction, info: SpaceInfo, rows: NDArray[np.int64], out: Vectors
    ) -> None:
        """Copy rows (n,) of the space into `out` (n, dim)."""
        order = None
        if np.any(rows[1:] < rows[:-1]):
            order = np.argsort(rows)
            rows = rows[order]
        edges = np.arange(0, info.rows + BLOCK_ROWS, BLOCK_ROWS)
        starts = np.searchsorted(rows, edges)

        def copy(number: int, block: NDArray[Any]) -> None:
            part = slice(starts[number], starts[number + 1])
            in_block = rows[part] - number * BLOCK_ROWS
            first, last = in_block[0], in_block[-1]
            is_run = len(in_block) == last - first + 1 and bool((np.diff(in_block) == 1).all())
            target = part if order is None else order[part]
            out[target] = block[first : last + 1] if is_run else block[in_block]

        # copying releases the GIL, and page faults take as long as the copies
        with ThreadPoolExecutor(_COPYING_THREADS) as pool:
            futures = [
                pool.submit(copy, number, self._block(transaction, info, number))
                for number in np.flatnonzero(np.diff(starts)).tolist()
            ]
            for future in futures:
                future.result()

    def _write_blocks(
        self, transaction: lmdb.Transaction, info: SpaceInfo, rows: NDArray[Any]
    ) -> None:
        """Write new rows (n, dim) after those of the space; the last block is completed first."""
        number, used = divmod(info.rows, BLOCK_ROWS)
        start = 0
        while start < len(rows):
            stop = min(start + BLOCK_ROWS - used, len(rows))
            parts = [np.ascontiguousarray(rows[start:stop])]
            if not _is_finite(parts[0]):
                raise ValueError("a vector contains NaN or infinity")
            if used:
                parts.insert(0, self._block(transaction, info, number, reverify=True))
            values.put(transaction, block_key(info, number), *parts)
            start, number, used = stop, number + 1, 0

    def _write_segment(
        self, transaction: lmdb.Transaction, info: SpaceInfo, segment: index.Segment
    ) -> tuple[tuple[int, int], ...]:
        """Write a new segment of the index, merged with older ones of similar size.

        Returns:
            Number and size of each segment that the space now has; see `SpaceInfo`.
        """
        merged = index.segments_to_merge([size for _, size in info.segments], len(segment))
        kept = info.segments[: len(info.segments) - merged]
        absorbed = info.segments[len(kept) :]
        if absorbed:
            numbers = [number for number, _ in absorbed]
            old = [self._segment(transaction, info, number, reverify=True) for number in numbers]
            segment = index.merge([*old, segment])
            for number in numbers:
                transaction.delete(segment_key(info, number))
        number = kept[-1][0] + 1 if kept else 0
        values.put(transaction, segment_key(info, number), segment.to_bytes())
        return (*kept, (number, len(segment)))


def _check_vectors(info: SpaceInfo, ids: Ids, vectors: NDArray[Any]) -> None:
    """Raise ValueError if vectors (n, dim) of ids (n, 2) have a wrong shape or dtype."""
    if vectors.shape != (len(ids), info.dim):
        raise ValueError(f"expected vectors of shape {(len(ids), info.dim)}, got {vectors.shape}")
    if not np.can_cast(vectors.dtype, info.dtype, "same_kind"):
        raise ValueError(f"vectors of {vectors.dtype} cannot be stored as {info.dtype}")


def _is_finite(block: NDArray[np.floating[Any]]) -> bool:
    """Return whether a block has neither NaN nor infinity; a finite sum proves it faster."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = block.sum(dtype=np.float32)
    return bool(np.isfinite(total) or np.isfinite(block).all())
