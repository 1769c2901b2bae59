"""Sentence id -> row, as sorted segments that live inside LMDB values.

A log-structured merge tree in small (O'Neil et al. 1996): each commit adds one sorted segment and
merges it with the segments of its own size, so that n ids lie in about log n segments and each id
is rewritten about log n times. A segment is read in place, from the memory map: opening a store of
a million vectors costs what opening one of a thousand does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedcache.ids import Ids

MISSING = -1
LARGEST_MERGE = 1 << 22  # ids; larger segments stay apart, which bounds the memory of a merge
LARGEST_PRECISION = 63  # numbers of precisions that an entry can hold
ENTRY_BYTES = 24  # of a segment: high, low, entry
_TRUNCATED = np.int64(1 << 62)  # the bit of an entry that says: longer than the encoder's maximum
_PRECISION_SHIFT = 56  # six bits
_ROW = np.int64((1 << _PRECISION_SHIFT) - 1)


def make_entries(
    rows: NDArray[np.int64], truncated: NDArray[np.bool_], precision: int = 0
) -> NDArray[np.int64]:
    """Pack row numbers and truncation flags, (n,) each, into (n,) int64.

    Args:
        rows: below 2**56.
        truncated: whether the encoder saw only the sentence's beginning.
        precision: number of the precision in which all of them were computed, from 1 to
            LARGEST_PRECISION; 0 if it is unknown.
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
    """Return the numbers of the entries' precisions, 0 where unknown; none may be MISSING."""
    return (entries & ~_TRUNCATED) >> _PRECISION_SHIFT


@dataclass(frozen=True)
class Segment:
    """Ids sorted by their high half, and what they point to.

    Attributes:
        high: (n,) uint64, ascending.
        low: (n,) uint64.
        entries: (n,) int64, row number, truncation flag and number of the precision.
    """

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    entries: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.high)

    @classmethod
    def sorted_from(cls, ids: Ids, entries: NDArray[np.int64]) -> "Segment":
        """Sort ids (n, 2) and their entries (n,) into a segment."""
        order = np.argsort(ids[:, 0])
        return cls(ids[order, 0], ids[order, 1], entries[order])

    @classmethod
    def from_bytes(cls, data: memoryview) -> "Segment":
        """View the bytes of a segment, without a copy."""
        words = np.frombuffer(data, dtype="<u8").reshape(3, -1)
        return cls(words[0], words[1], words[2].view("<i8"))

    def to_bytes(self) -> bytes:
        """Return the bytes that `from_bytes` reads: high, low, entries."""
        return b"".join((self.high.tobytes(), self.low.tobytes(), self.entries.tobytes()))

    def find(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Look ids up.

        Args:
            high: (n,) uint64, the ids' high halves; fastest in nearly ascending order.
            low: (n,) uint64, their low halves.

        Returns:
            (n,) int64 entries, MISSING where the segment does not have the id.
        """
        if not len(self):
            return np.full(len(high), MISSING, dtype=np.int64)
        position = np.searchsorted(self.high, high)
        at = np.minimum(position, len(self) - 1)
        same_high = self.high[at] == high
        hit = same_high & (self.low[at] == low)
        found = np.where(hit, self.entries[at], MISSING)
        pending = np.flatnonzero(same_high & ~hit)
        while len(pending):  # ids that share their high half lie side by side
            position[pending] += 1
            pending = pending[position[pending] < len(self)]
            at = position[pending]
            same_high = self.high[at] == high[pending]
            hit = same_high & (self.low[at] == low[pending])
            found[pending[hit]] = self.entries[at[hit]]
            pending = pending[same_high & ~hit]
        return found


def find_in(segments: Sequence[Segment], ids: Ids) -> NDArray[np.int64]:
    """Look ids up in several segments.

    Args:
        segments: the segments of a space.
        ids: (n, 2) uint64.

    Returns:
        (n,) int64 entries, MISSING where no segment has the id.
    """
    # nearly sorted needles keep the binary searches in cache; 16 bits are sorted in linear time
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


def segments_to_merge(sizes: Sequence[int], added: int) -> int:
    """Say how many of the newest segments to merge with a new one.

    Args:
        sizes: sizes of the present segments, oldest first.
        added: size of the new segment.

    Returns:
        The count of segments, from the end of `sizes`, that are smaller than twice what they would
        be merged into.
    """
    count = 0
    for size in reversed(sizes):
        if size >= 2 * added or size + added > LARGEST_MERGE:
            break
        added += size
        count += 1
    return count


def merge(segments: Sequence[Segment]) -> Segment:
    """Merge segments that share no id into one."""
    high = np.concatenate([segment.high for segment in segments])
    order = np.argsort(high, kind="stable")  # timsort: linear in runs that are sorted already
    return Segment(
        high[order],
        np.concatenate([segment.low for segment in segments])[order],
        np.concatenate([segment.entries for segment in segments])[order],
    )


def first_occurrences(ids: Ids) -> NDArray[np.int64]:
    """Return the positions, ascending, at which an id of ids (n, 2) stands for the first time."""
    high = np.sort(ids[:, 0])
    if not (high[1:] == high[:-1]).any():  # the common case, ten times faster
        return np.arange(len(ids))
    order = np.lexsort((ids[:, 1], ids[:, 0]))  # stable: of equal ids the first stays first
    repeated = np.zeros(len(ids), dtype=np.bool_)
    repeated[1:] = (ids[order[1:]] == ids[order[:-1]]).all(axis=1)
    return np.sort(order[~repeated])
