"""Index from sentence ids to rows, as sorted segments that are LMDB values.

A small log-structured merge tree (O'Neil et al. 1996, "The log-structured merge-tree"): each commit
adds one sorted segment and merges it with segments of similar size, so that n ids need about log n
segments and each id is rewritten about log n times. A merged segment has at most LARGEST_MERGE ids,
so larger indexes have more segments. A segment is read from the memory map, so the time to open a
store does not depend on its size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedcache.ids import Ids

MISSING = -1  # the entry of an id that the index does not have
LARGEST_MERGE = 1 << 22  # maximum number of ids in a merged segment; limits memory
LARGEST_PRECISION = 63  # largest precision number that fits in an entry
ENTRY_BYTES = 24  # of an id and its entry in a segment: high, low, entry
_TRUNCATED = np.int64(1 << 62)  # this bit is set for truncated sentences
_PRECISION_SHIFT = 56  # the six bits from here hold the precision number
_ROW = np.int64((1 << _PRECISION_SHIFT) - 1)


def make_entries(
    rows: NDArray[np.int64], truncated: NDArray[np.bool_], precision: int = 0
) -> NDArray[np.int64]:
    """Pack row numbers, truncation flags and a precision number into entries.

    Args:
        rows: (n,) row numbers below 2**56.
        truncated: (n,) bool, whether the encoder read only the beginning of each sentence.
        precision: Number of the precision in which the vectors were computed, from 1 to
            LARGEST_PRECISION; 0 if it is unknown. See `SpaceInfo.precisions`.

    Returns:
        (n,) int64 entries.
    """
    code = np.int64(precision << _PRECISION_SHIFT)
    return rows | code | np.where(truncated, _TRUNCATED, np.int64(0))


def entry_rows(entries: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row numbers of entries, none of which may be MISSING."""
    return entries & _ROW


def entry_truncated(entries: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the truncation flags of entries, none of which may be MISSING."""
    flags: NDArray[np.bool_] = np.not_equal(entries & _TRUNCATED, 0)
    return flags


def entry_precisions(entries: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the precision numbers of entries, 0 if unknown; none may be MISSING."""
    return (entries & ~_TRUNCATED) >> _PRECISION_SHIFT


@dataclass(frozen=True)
class Segment:
    """Ids sorted by their high half, with their entries.

    Attributes:
        high: (n,) uint64 high halves, ascending.
        low: (n,) uint64 low halves.
        entries: (n,) int64; see `make_entries` and `embedcache.store.texts`.
    """

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    entries: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.high)

    @property
    def ids(self) -> Ids:
        """The ids, (n, 2) uint64."""
        return np.stack([self.high, self.low], axis=1)

    @classmethod
    def sorted_from(cls, ids: Ids, entries: NDArray[np.int64]) -> "Segment":
        """Sort ids (n, 2) and their entries (n,) into a segment."""
        order = np.argsort(ids[:, 0])
        return cls(ids[order, 0], ids[order, 1], entries[order])

    @classmethod
    def from_bytes(cls, data: memoryview) -> "Segment":
        """Return a segment that is a view of the bytes that `to_bytes` returned."""
        words = np.frombuffer(data, dtype="<u8").reshape(3, -1)
        return cls(words[0], words[1], words[2].view("<i8"))

    def to_bytes(self) -> bytes:
        """Return the bytes that `from_bytes` reads: high, low, entries."""
        return b"".join((self.high.tobytes(), self.low.tobytes(), self.entries.tobytes()))

    def find(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Look up ids.

        Args:
            high: (n,) uint64 high halves; fastest in nearly ascending order.
            low: (n,) uint64 low halves.

        Returns:
            (n,) int64 entries, MISSING for ids that the segment does not have.
        """
        if not len(self):
            return np.full(len(high), MISSING, dtype=np.int64)
        positions = np.searchsorted(self.high, high)
        candidates = np.minimum(positions, len(self) - 1)
        same_high = self.high[candidates] == high
        hit = same_high & (self.low[candidates] == low)
        found = np.where(hit, self.entries[candidates], MISSING)
        pending = np.flatnonzero(same_high & ~hit)
        while len(pending):  # ids with the same high half are adjacent
            positions[pending] += 1
            pending = pending[positions[pending] < len(self)]
            candidates = positions[pending]
            same_high = self.high[candidates] == high[pending]
            hit = same_high & (self.low[candidates] == low[pending])
            found[pending[hit]] = self.entries[candidates[hit]]
            pending = pending[same_high & ~hit]
        return found


def find_in(segments: Sequence[Segment], ids: Ids) -> NDArray[np.int64]:
    """Look up ids in several segments.

    Args:
        segments: Segments to search, in this order.
        ids: (n, 2) uint64 ids.

    Returns:
        (n,) int64 entries, MISSING for ids that no segment has.
    """
    # nearly sorted ids keep the binary searches in cache; 16 bits are sorted in linear time
    order = np.argsort((ids[:, 0] >> np.uint64(48)).astype(np.uint16), kind="stable")
    high, low = ids[:, 0][order], ids[:, 1][order]
    found = np.full(len(ids), MISSING, dtype=np.int64)
    pending = np.arange(len(ids))
    for segment in segments:
        if len(pending) == len(ids):
            found = segment.find(high, low)
        else:
            found[pending] = segment.find(high[pending], low[pending])
        pending = np.flatnonzero(found == MISSING)
        if not len(pending):
            break
    unsorted = np.empty_like(found)
    unsorted[order] = found
    return unsorted


def among(ids: Ids, others: Ids) -> NDArray[np.bool_]:
    """Return which of the ids (n, 2) are among others (m, 2): (n,) bool."""
    return membership(others)(ids)


def membership(members: Ids) -> Callable[[Ids], NDArray[np.bool_]]:
    """Return a function that returns which ids (n, 2) are among the members (m, 2): (n,) bool.

    The members are sorted only once, so the function is faster than `among` for many calls.
    """
    segment = Segment.sorted_from(members, np.arange(len(members)))
    return lambda ids: np.not_equal(find_in([segment], ids), MISSING)


def segments_to_merge(sizes: Sequence[int], added: int, largest: int = LARGEST_MERGE) -> int:
    """Return how many of the newest segments to merge with a new one.

    Args:
        sizes: Sizes of the existing segments, oldest first.
        added: Size of the new segment.
        largest: Maximum size of a merged segment.

    Returns:
        Number of segments, counted from the end of `sizes`. Each of them is less than twice as
        large as the new segment merged with those after it, and a merged segment is not larger
        than `largest`.
    """
    count = 0
    for size in reversed(sizes):
        if size >= 2 * added or size + added > largest:
            break
        added += size
        count += 1
    return count


def merge(segments: Sequence[Segment]) -> Segment:
    """Merge segments that have no id in common."""
    high = np.concatenate([segment.high for segment in segments])
    order = np.argsort(high, kind="stable")  # timsort is linear for sorted runs
    return Segment(
        high[order],
        np.concatenate([segment.low for segment in segments])[order],
        np.concatenate([segment.entries for segment in segments])[order],
    )


def first_occurrences(ids: Ids) -> NDArray[np.int64]:
    """Return the position of the first occurrence of each distinct id (n, 2), ascending: (m,)."""
    high = np.sort(ids[:, 0])
    if not (high[1:] == high[:-1]).any():  # the common case, ten times faster
        return np.arange(len(ids))
    order = np.lexsort((ids[:, 1], ids[:, 0]))  # stable, so equal ids keep their order
    repeated = np.zeros(len(ids), dtype=np.bool_)
    repeated[1:] = (ids[order[1:]] == ids[order[:-1]]).all(axis=1)
    return np.sort(order[~repeated])
