"""Converts a store from format 1 to format 2, in place and in small transactions.

Until the last transaction writes the header, the store has format 1, in which a value may have
either checksum. Therefore readers see no damage, and an interrupted conversion can continue.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest

import lmdb

from embedcache.store import index, values
from embedcache.store.environment import Environment
from embedcache.store.index import Segment
from embedcache.store.space_info import SpaceInfo, info_key, segment_key, value_sizes
from embedcache.terminal import progress_bar

_BATCH_BYTES = 1 << 26  # bytes per transaction, whose pages LMDB keeps in memory


def upgrade(environment: Environment, spaces: Sequence[SpaceInfo], *, progress: bool) -> int:
    """Write every value with the checksum of format 2; see `EmbeddingStore.upgrade`."""
    environment.check_writable()
    sizes = _expected_sizes(spaces)
    with environment.reading() as transaction:
        if values.read_format(environment, transaction) != 1:
            return 0
        _check_keys(environment, transaction, sizes)
    of_one_precision = {
        segment_key(info, number)
        for info in spaces
        if len(info.precisions) == 1
        for number, _ in info.segments
    }

    def convert(keys: list[bytes], transaction: lmdb.Transaction) -> int:
        changed = 0
        for key in keys:
            data = values.get(environment, transaction, key, reverify=True)
            if data is None or (sizes[key] and len(data) != sizes[key]):
                raise values.damaged(environment, key)
            content = _with_first_precision(data) if key in of_one_precision else data
            value = values.with_checksum(key, content)
            if value != transaction.get(key):
                transaction.put(key, value)
                changed += 1
        return changed

    changed = 0
    with progress_bar(sum(sizes.values()), "B", show=progress) as bar:
        for keys in _batches(sizes):
            size = sum(sizes[key] for key in keys)
            changed += environment.write(partial(convert, keys), size)
            bar.update(size)
    environment.write(values.put_format, 0)
    return changed


def _expected_sizes(spaces: Sequence[SpaceInfo]) -> dict[bytes, int]:
    """Return the size in bytes of each value except the header; 0 if the size is not known."""
    sizes = {info_key(info.fingerprint): 0 for info in spaces}
    for info in spaces:
        sizes |= value_sizes(info)
    return sizes


def _check_keys(
    environment: Environment, transaction: lmdb.Transaction, sizes: Mapping[bytes, int]
) -> None:
    """Check that the keys are as expected, because the checksums of format 1 do not cover them."""
    present = [bytes(key) for key in transaction.cursor().iternext(values=False)]
    expected = sorted([*sizes, values.HEADER_KEY])
    for found, wanted in zip_longest(present, expected):
        if found != wanted:
            raise values.damaged(environment, wanted or found)


def _batches(sizes: Mapping[bytes, int]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    total = 0
    for key in sorted(sizes):
        batch.append(key)
        total += sizes[key]
        if total >= _BATCH_BYTES:
            yield batch
            batch, total = [], 0
    yield batch


def _with_first_precision(data: memoryview) -> bytes:
    """Return a segment whose entries refer to the first precision of the space."""
    segment = Segment.from_bytes(data)
    rows, truncated = index.entry_rows(segment.entries), index.entry_truncated(segment.entries)
    return replace(segment, entries=index.make_entries(rows, truncated, 1)).to_bytes()
