"""Verifies a store: reads every value and lists what is damaged."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from embedcache.errors import StoreError
from embedcache.store import index, values
from embedcache.store.commits import check_commits, is_record_damaged
from embedcache.store.contents import Contents, SpaceContents, read_contents
from embedcache.store.environment import Environment
from embedcache.store.index import Segment
from embedcache.store.opening import check_pages
from embedcache.store.space_info import (
    BLOCK_ROWS,
    INFO_PREFIX,
    SpaceInfo,
    block_key,
    info_key,
    segment_key,
)
from embedcache.store.texts import TextPart

Part = Literal["header", "description", "vectors", "index", "texts", "commits", "pages", "unknown"]


@dataclass(frozen=True)
class Damage:
    """A value, or something else in a store, that is damaged or missing.

    Attributes:
        part: What the value holds: the header of the store, the description of a space, vectors,
            a part of the index of a space, texts, or something unknown; "commits" for the record
            of the last commits, and "pages" for the pages with which LMDB manages the file.
        space: Fingerprint of the space; None if the value belongs to no space.
        rows: For vectors or a part of the index, the first and the last row that it concerns; None
            for other values.
        sentences: Number of sentences whose vectors are lost, or whose texts have another id; 0 if
            the value can be recovered, or if it is not known.
    """

    part: Part
    space: str | None = None
    rows: tuple[int, int] | None = None
    sentences: int = 0


@dataclass(frozen=True)
class Verification:
    """The result of `verify`.

    Attributes:
        spaces: Descriptions of the spaces, in the order in which they were created.
        damage: Damaged and missing values, values in which a text has another id, and damage to
            the record of the last commits or to LMDB's pages.
        texts: Number of texts that have the id under which they are stored.
        unreachable: Number of bytes in sound values that belong to no space, because the
            description of their space is lost.
    """

    spaces: tuple[SpaceInfo, ...]
    damage: tuple[Damage, ...]
    texts: int
    unreachable: int

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damage

    def damage_of(self, space: SpaceInfo) -> list[Damage]:
        """List the damage of a space."""
        return [damage for damage in self.damage if damage.space == space.fingerprint]


def verify(path: Path, *, progress: bool = False) -> Verification:
    """Read every value of a store and check its checksum and size; check LMDB's pages.

    The id of each text is computed again. Other processes may use the store; the result describes
    its values as of the last commit at the beginning. The store is not changed.

    Args:
        path: Folder of the store.
        progress: Whether to show a progress bar on standard error after two seconds.

    Returns:
        Spaces of the store, and all damage.

    Raises:
        StoreError: There is no store, LMDB cannot read it, or a later version of this package wrote
            it.
    """
    environment = Environment.open(path)
    check_pages(environment.folder)
    with environment.reading() as transaction:
        found = describe(read_contents(environment, transaction, progress=progress))
    others: list[Part] = ["commits"] if is_record_damaged(environment.folder) else []
    if found.is_sound:  # otherwise keys may be out of order, and a repair rewrites all pages anyway
        try:
            check_commits(environment.folder, to_write=True)
        except StoreError:
            others.append("pages")
    return with_damage(found, *others)


def with_damage(found: Verification, *parts: Part) -> Verification:
    """Return a verification to which damage outside of values is added."""
    return replace(found, damage=(*map(Damage, parts), *found.damage))


def describe(contents: Contents) -> Verification:
    """Describe the damage to a store, given what it still has."""
    damage = [] if contents.has_header else [Damage("header")]
    for space in contents.spaces:
        damage += _damage_of(space)
    agreeing = 0
    for value in contents.texts.values():
        agrees = TextPart.from_bytes(values.content(value)).agrees()
        agreeing += int(np.count_nonzero(agrees))
        if not agrees.all():
            damage.append(Damage("texts", sentences=int(np.count_nonzero(~agrees))))
    damage += [Damage(_part_of(key)) for key in contents.unknown]
    return Verification(
        tuple(space.info for space in contents.spaces),
        tuple(damage),
        agreeing,
        sum(value.nbytes for value in contents.others.values()),
    )


def _part_of(key: bytes) -> Part:
    """Return what a damaged value that belongs to no space holds, according to its key."""
    if key.startswith(values.TEXT_PREFIX):
        return "texts"
    return "description" if key.startswith(INFO_PREFIX) else "unknown"


def _damage_of(space: SpaceContents) -> Iterator[Damage]:
    info = space.info
    damaged = {*space.lost, *space.recovered}
    if info_key(info.fingerprint) in damaged:
        yield Damage("description", info.fingerprint)
    segments = [segment for segment, _ in space.segments()]
    for number in info.blocks:
        key = block_key(info, number)
        if key in damaged:
            first, stop = number * BLOCK_ROWS, min((number + 1) * BLOCK_ROWS, info.rows)
            lost = _count_rows(segments, first, stop) if key in space.lost else 0
            yield Damage("vectors", info.fingerprint, (first, stop - 1), lost)
    first = 0
    for number, size in info.segments:  # segments have consecutive ranges of rows
        key = segment_key(info, number)
        if key in damaged:
            lost = size if key in space.lost else 0
            yield Damage("index", info.fingerprint, (first, first + size - 1), lost)
        first += size


def _count_rows(segments: list[Segment], first: int, stop: int) -> int:
    rows = (index.entry_rows(segment.entries) for segment in segments)
    return sum(int(((rows >= first) & (rows < stop)).sum()) for rows in rows)
