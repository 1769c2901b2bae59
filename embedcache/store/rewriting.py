"""Writes a new data file with what a store has, except for lost, wrong or unwanted content."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
from numpy.typing import NDArray

from embedcache.ids import Ids
from embedcache.store import index, values
from embedcache.store.contents import Contents, SpaceContents
from embedcache.store.index import Segment
from embedcache.store.space_info import (
    BLOCK_ROWS,
    SpaceInfo,
    block_key,
    info_key,
    info_value,
    segment_key,
)
from embedcache.store.texts import TextPart

_BATCH_BYTES = 1 << 26  # bytes per transaction, whose pages LMDB keeps in memory

Value = tuple[bytes, bytes | memoryview]
"""A key and a value with its checksum."""


def write_data(
    folder: Path,
    contents: Contents,
    map_bytes: int,
    keep: Callable[[Ids], NDArray[np.bool_]] | None = None,
) -> list[SpaceInfo]:
    """Write the sound values of a store to a new data file.

    Values that do not change are copied with their checksums. In spaces that lose vectors, the rows
    are renumbered. Texts whose id differs from the stored one are left out.

    Args:
        folder: Empty folder for the file.
        contents: What the store has.
        map_bytes: Maximum size of the file in bytes, large enough for all values.
        keep: Function that returns whether to keep the vector and the text of each sentence, (n,)
            bool, given the ids (n, 2); None to keep all.

    Returns:
        Descriptions of the spaces in the new file.
    """
    infos = []
    # no other process knows this file, and it is synced to disk before it gets its name
    target = lmdb.open(os.fspath(folder), map_size=map_bytes, lock=False, sync=False)
    with target:
        _put(target, [(values.HEADER_KEY, values.header(contents.store_format))])
        _put(target, contents.others.items())
        _put(target, _texts(contents, keep))
        for space in contents.spaces:
            segments = [(segment, has_block) for segment, has_block in space.segments()]
            if keep:
                segments = [
                    (segment, has_block & keep(segment.ids)) for segment, has_block in segments
                ]
            if space.lost or not all(kept.all() for _, kept in segments):
                info, changed = _renumber(space, segments)
                _put(target, changed)
            else:
                info = space.info
                _put(target, space.sound.items())
            _put(target, [(info_key(info.fingerprint), info_value(info))])
            infos.append(info)
    return infos


def _texts(contents: Contents, keep: Callable[[Ids], NDArray[np.bool_]] | None) -> Iterator[Value]:
    for key, value in contents.texts.items():
        part = TextPart.from_bytes(values.content(value))
        is_kept = part.agrees()
        if keep:
            is_kept &= keep(part.segment.ids)
        if is_kept.all():
            yield key, value
        elif is_kept.any():
            yield key, values.with_checksum(key, part.select(is_kept).to_bytes())


def _put(target: lmdb.Environment, items: Iterable[Value]) -> None:
    """Write values in transactions whose pages fit in memory."""
    remaining = iter(items)
    done = False
    while not done:
        with target.begin(write=True) as transaction:
            written = 0
            done = True
            for key, value in remaining:
                transaction.put(key, value)
                written += len(value)
                if written > _BATCH_BYTES:
                    done = False
                    break


def _renumber(
    space: SpaceContents, segments: list[tuple[Segment, NDArray[np.bool_]]]
) -> tuple[SpaceInfo, Iterator[Value]]:
    """Renumber the kept rows of a space.

    Args:
        space: What the store has of the space.
        segments: Sound segments, each with a mask (n,) of the ids to keep.

    Returns:
        New description of the space, and its blocks and segments.
    """
    info = space.info
    parts = [
        (segment.high[kept], segment.low[kept], segment.entries[kept])
        for segment, kept in segments
        if kept.any()
    ]
    is_kept = np.zeros(info.rows, dtype=np.bool_)
    for _, _, entries in parts:
        is_kept[index.entry_rows(entries)] = True
    new_rows = np.cumsum(is_kept) - 1
    renumbered = []
    for high, low, entries in parts:
        rows = index.entry_rows(entries)
        renumbered.append(Segment(high, low, entries - rows + new_rows[rows]))
    changed = replace(
        info,
        rows=int(np.count_nonzero(is_kept)),
        precisions=_precisions(info, [segment.entries for segment in renumbered]),
        segments=tuple((number, len(segment)) for number, segment in enumerate(renumbered)),
    )

    def items() -> Iterator[Value]:
        for number, block in enumerate(_blocks(space, is_kept)):
            key = block_key(info, number)
            yield key, values.with_checksum(key, np.ascontiguousarray(block))
        for number, segment in enumerate(renumbered):
            key = segment_key(info, number)
            yield key, values.with_checksum(key, segment.to_bytes())

    return changed, items()


def _blocks(space: SpaceContents, is_kept: NDArray[np.bool_]) -> Iterator[NDArray[Any]]:
    """Yield the kept rows of a space in blocks, of which only the last may not be full."""
    info = space.info
    pending = np.empty((0, info.dim), dtype=info.dtype)
    for start in range(0, info.rows, BLOCK_ROWS):
        kept = is_kept[start : start + BLOCK_ROWS]
        if kept.any():
            value = space.sound[block_key(info, start // BLOCK_ROWS)]
            block = np.frombuffer(values.content(value), dtype=info.dtype).reshape(-1, info.dim)
            pending = np.concatenate([pending, block[kept]])
        while len(pending) >= BLOCK_ROWS:
            yield pending[:BLOCK_ROWS]
            pending = pending[BLOCK_ROWS:]
    if len(pending):
        yield pending


def _precisions(info: SpaceInfo, entries: list[NDArray[np.int64]]) -> dict[str, int]:
    """Count the remaining rows by precision.

    The index does not have the precision of rows that format 1 stored. These rows are assigned to
    the precisions in order, each up to its earlier number of rows.
    """
    numbers = index.entry_precisions(np.concatenate([np.empty(0, dtype=np.int64), *entries]))
    unknown, *known = np.bincount(numbers, minlength=len(info.precisions) + 1).tolist()
    counts = {}
    for (name, before), count in zip(info.precisions.items(), known, strict=True):
        assigned = min(unknown, before - count)
        unknown -= assigned
        counts[name] = count + assigned
    return counts
