"""Reads everything in a store that may be damaged: its sound values, and their spaces.

Two kinds of damage lose nothing. A block or segment whose key is damaged is found by its checksum,
which covers the key since format 2. In the description of a space, on which all its vectors depend,
one flipped bit is found by flipping each bit in turn.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import lmdb
import numpy as np
from numpy.typing import NDArray

from embedcache.store import index, values
from embedcache.store.environment import Environment
from embedcache.store.index import Segment
from embedcache.store.opening import missing_store
from embedcache.store.space_info import (
    BLOCK_PREFIX,
    BLOCK_ROWS,
    INFO_PREFIX,
    KEY_BYTES,
    SEGMENT_PREFIX,
    SpaceInfo,
    block_key,
    info_key,
    parse_info,
    segment_key,
    value_sizes,
)
from embedcache.terminal import progress_bar

_LONGEST_DESCRIPTION = 1 << 13  # bytes; the time to find a flipped bit is quadratic in the length

ValuesByKey = dict[bytes, memoryview]
"""Values with their checksums by key: views that are valid as long as the transaction."""

Damaged = list[tuple[bytes, memoryview]]
"""Pairs of a key and a value, of which at least one is damaged. Two may have the same key."""


@dataclass(frozen=True)
class SpaceContents:
    """What a store still has of a space.

    Attributes:
        info: Description of the space.
        sound: Sound blocks and segments.
        lost: Keys of the blocks and segments that are damaged or missing.
        recovered: Correct keys of the sound blocks and segments whose key was damaged, and of the
            description if it had a flipped bit.
    """

    info: SpaceInfo
    sound: ValuesByKey
    lost: tuple[bytes, ...]
    recovered: tuple[bytes, ...]

    def segments(self) -> Iterator[tuple[Segment, NDArray[np.bool_]]]:
        """Yield the sound segments, each with a mask (n,) of the ids whose block is sound."""
        keys = [block_key(self.info, number) for number in self.info.blocks]
        has_block = np.array([key in self.sound for key in keys])
        for number, _ in self.info.segments:
            if value := self.sound.get(segment_key(self.info, number)):
                segment = Segment.from_bytes(values.content(value))
                rows = index.entry_rows(segment.entries)
                is_kept = rows < self.info.rows
                is_kept[is_kept] = has_block[rows[is_kept] // BLOCK_ROWS]
                yield segment, is_kept


@dataclass(frozen=True)
class Contents:
    """What a store still has.

    Attributes:
        store_format: Format of the store, which is inferred from the values if the header is lost.
        has_header: Whether the header is sound.
        spaces: Spaces, in the order in which they were created.
        texts: Sound values with texts.
        others: Sound values that belong to no space, because its description is lost.
        unknown: Keys of damaged values that belong to no space.
    """

    store_format: int
    has_header: bool
    spaces: tuple[SpaceContents, ...]
    texts: ValuesByKey
    others: ValuesByKey
    unknown: tuple[bytes, ...]


def read_contents(
    environment: Environment, transaction: lmdb.Transaction, *, progress: bool
) -> Contents:
    """Read all values of a store and check their checksums.

    Values are found by walking the tree: a search relies on the order of the keys, which damage may
    change.

    Args:
        environment: Environment of the store. Its pages must have been checked.
        transaction: Transaction of the environment.
        progress: Whether to show a progress bar on standard error after two seconds.

    Raises:
        StoreError: There is no store, or a later version of this package wrote it.
    """
    if not transaction.stat()["entries"]:
        raise missing_store(environment.path)
    recorded_format = _read_format(environment, transaction)
    store_format = recorded_format or 1  # format 1 accepts the checksums of both formats
    sound, damaged = _read_values(transaction, store_format, progress=progress)
    texts = {key: value for key, value in sound.items() if key.startswith(values.TEXT_PREFIX)}
    if recorded_format is None and all(values.is_sound(key, value) for key, value in sound.items()):
        store_format = values.FORMAT_WITH_TEXTS if texts else values.FORMAT
    recovered = _recover_descriptions(sound, damaged, store_format)
    descriptions = [value for key, value in sound.items() if key.startswith(INFO_PREFIX)]
    infos = [parse_info(values.content(value)) for value in descriptions]
    infos.sort(key=lambda info: info.number)
    recovered |= _recover_moved(infos, sound, damaged)
    known = {values.HEADER_KEY, *texts, *(info_key(info.fingerprint) for info in infos)}
    known.update(*map(value_sizes, infos))
    return Contents(
        store_format,
        recorded_format is not None,
        tuple(_space_contents(info, sound, recovered) for info in infos),
        texts,
        {key: value for key, value in sound.items() if key not in known},
        tuple(key for key, _ in damaged if key not in known),
    )


def _read_values(
    transaction: lmdb.Transaction, store_format: int, *, progress: bool
) -> tuple[ValuesByKey, Damaged]:
    sound: ValuesByKey = {}
    damaged: Damaged = []
    total = transaction.stat()["entries"]
    with progress_bar(total, "values", show=progress, delay=2) as bar:
        for view, buffer in transaction.cursor():
            key, value = bytes(view), memoryview(buffer)
            if key not in sound and _is_sound(key, value, store_format):
                sound[key] = value
            else:
                damaged.append((key, value))
            bar.update()
    return sound, damaged


def _read_format(environment: Environment, transaction: lmdb.Transaction) -> int | None:
    """Return the format of the store; None if the header is damaged or missing."""
    header = transaction.get(values.HEADER_KEY)
    if header is None or not values.is_sound(values.HEADER_KEY, header):
        return None
    return values.read_format(environment, transaction)


def _is_sound(key: bytes, value: memoryview, store_format: int) -> bool:
    """Return whether a value is sound; the checksum of format 1 does not cover the key."""
    if key.startswith(INFO_PREFIX):
        return values.is_sound(key, value, store_format) and (
            info_key(parse_info(values.content(value)).fingerprint) == key
        )
    is_of_rows = key.startswith((BLOCK_PREFIX, SEGMENT_PREFIX))
    is_row_value = is_of_rows and len(key) == KEY_BYTES  # otherwise the key is damaged
    return values.is_sound(key, value, store_format if is_row_value else values.FORMAT)


def _recover_descriptions(sound: ValuesByKey, damaged: Damaged, store_format: int) -> set[bytes]:
    """Move descriptions in which one bit was flipped from the damaged values to the sound ones."""
    recovered: set[bytes] = set()
    others = (BLOCK_PREFIX, SEGMENT_PREFIX, values.TEXT_PREFIX)
    for key, value in list(damaged):
        # one flipped bit cannot turn the prefix of a description into that of another value
        if key.startswith(others) or len(value) > _LONGEST_DESCRIPTION:
            continue
        for right_key, right_value in _with_one_bit_flipped(key, value):
            if right_key.startswith(INFO_PREFIX) and _is_sound(
                right_key, right_value, store_format
            ):
                damaged.remove((key, value))
                sound[right_key] = right_value
                recovered.add(right_key)
                break
    return recovered


def _with_one_bit_flipped(key: bytes, value: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the key and the value with each of their bits flipped in turn."""
    joined = bytearray(key + value)
    for position in range(len(joined)):
        for bit in range(8):
            joined[position] ^= 1 << bit
            yield bytes(joined[: len(key)]), memoryview(bytes(joined[len(key) :]))
            joined[position] ^= 1 << bit


def _recover_moved(infos: Iterable[SpaceInfo], sound: ValuesByKey, damaged: Damaged) -> set[bytes]:
    """Move blocks and segments with damaged keys from the damaged values to the sound ones."""
    lost = {
        key: size for info in infos for key, size in value_sizes(info).items() if key not in sound
    }
    recovered: set[bytes] = set()
    for found_key, value in list(damaged):
        if found_key in lost:  # the value itself is damaged
            continue
        for key, size in lost.items():
            if len(values.content(value)) == size and values.is_sound(key, value):
                damaged.remove((found_key, value))
                sound[key] = value
                recovered.add(key)
                break
    return recovered


def _space_contents(info: SpaceInfo, sound: ValuesByKey, recovered: set[bytes]) -> SpaceContents:
    sizes = value_sizes(info)
    present = {
        key: sound[key]
        for key, size in sizes.items()
        if key in sound and len(values.content(sound[key])) == size  # not an older block
    }
    lost = tuple(key for key in sizes if key not in present)
    keys = (info_key(info.fingerprint), *present)
    return SpaceContents(info, present, lost, tuple(key for key in keys if key in recovered))
