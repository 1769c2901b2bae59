"""Removes spaces, or the vectors and texts of sentences that are no longer needed, from a store."""

from collections.abc import Collection, Sequence
from pathlib import Path

import lmdb
import numpy as np

from embedcache.errors import StoreError
from embedcache.ids import Ids
from embedcache.store import index, values
from embedcache.store.contents import read_contents
from embedcache.store.environment import Environment
from embedcache.store.opening import Handle, check_pages
from embedcache.store.replacement import replace
from embedcache.store.rewriting import write_data
from embedcache.store.space_info import (
    BLOCK_PREFIX,
    SEGMENT_PREFIX,
    SpaceInfo,
    info_key,
    read_infos,
    read_segments,
    space_number,
)
from embedcache.store.texts import read_parts
from embedcache.store.verification import describe


def remove_spaces(path: Path, fingerprints: Collection[str]) -> None:
    """Remove spaces with all their vectors, in one transaction.

    Values that belong to no space, because its description was lost, are removed too. The file
    keeps its size: new vectors use the free pages, and `embedcache.store.compaction` returns
    them to the file system.

    Args:
        path: Folder of the store. A process that adds vectors to one of the spaces at the same time
            gets an error.
        fingerprints: Fingerprints of existing spaces.

    Raises:
        StoreError: The store is missing, read-only, damaged or of an earlier format.
    """
    environment = Environment.open(path)

    def remove(transaction: lmdb.Transaction) -> None:
        values.check_format(environment, transaction)
        infos = read_infos(environment, transaction)
        removed = [info for info in infos if info.fingerprint in fingerprints]
        for info in removed:
            transaction.delete(info_key(info.fingerprint))
        for key in _keys_of_no_space(transaction, [info for info in infos if info not in removed]):
            transaction.delete(key)

    environment.write(remove, 0)


def count_unreachable(path: Path) -> int:
    """Count the bytes of the blocks and segments that belong to no space.

    Raises:
        StoreError: The store is missing or damaged.
    """
    environment = Environment.open(path)
    with environment.reading() as transaction:
        keys = _keys_of_no_space(transaction, read_infos(environment, transaction))
        return sum(len(transaction.get(key) or b"") for key in keys)


def _keys_of_no_space(transaction: lmdb.Transaction, infos: Sequence[SpaceInfo]) -> list[bytes]:
    """List the keys of blocks and segments whose space is not among the given ones."""
    numbers = {info.number for info in infos}
    return [
        key
        for prefix in (BLOCK_PREFIX, SEGMENT_PREFIX)
        for key in values.keys_with(transaction, prefix)
        if space_number(key) not in numbers
    ]


def count_unwanted(path: Path, wanted: Ids) -> dict[str, int]:
    """Count the vectors that `remove_unwanted` would remove from each space.

    Args:
        path: Folder of the store.
        wanted: (n, 2) uint64 ids of the sentences whose vectors would be kept.

    Returns:
        Counts by the fingerprint of the space.

    Raises:
        StoreError: The store is missing or damaged.
    """
    environment = Environment.open(path)
    is_wanted = index.membership(wanted)
    with environment.reading() as transaction:
        counts = {}
        for info in read_infos(environment, transaction):
            segments = read_segments(environment, transaction, info)
            kept = [is_wanted(segment.ids) for segment in segments]
            counts[info.fingerprint] = sum(int(np.count_nonzero(~mask)) for mask in kept)
        return counts


def count_unwanted_texts(path: Path, wanted: Ids) -> int:
    """Count the texts that `remove_unwanted` would remove, given the ids (n, 2) to keep.

    Raises:
        StoreError: The store is missing or damaged.
    """
    environment = Environment.open(path)
    is_wanted = index.membership(wanted)
    with environment.reading() as transaction:
        parts = read_parts(environment, transaction).values()
        kept = [is_wanted(part.segment.ids) for part in parts]
        return sum(int(np.count_nonzero(~mask)) for mask in kept)


def remove_unwanted(path: Path, wanted: Ids, *, progress: bool = False) -> None:
    """Remove the vectors and texts of all sentences except the given ones, by writing a new file.

    The new file replaces the old one atomically; see `embedcache.store.replacement`.

    Args:
        path: Folder of the store. Other processes may use it; those that write wait.
        wanted: (n, 2) uint64 ids of the sentences whose vectors are kept in all spaces, and whose
            texts are kept.
        progress: Whether to show a progress bar on standard error after two seconds.

    Raises:
        StoreError: The store is missing, read-only or damaged, a later version of this package
            wrote it, the disk is full, or the system is Windows.
        OSError: The folder cannot be written.
    """
    environment = Environment.open(path)
    check_pages(environment.folder)

    def write(old: Handle, transaction: lmdb.Transaction, folder: Path) -> None:
        contents = read_contents(environment, transaction, progress=progress)
        if not describe(contents).is_sound:
            raise StoreError(f"the store {path} is damaged: run segtool store repair first")
        map_bytes = 2 * old.lmdb.info()["map_size"]
        write_data(folder, contents, map_bytes, index.membership(wanted))

    replace(environment, write)
