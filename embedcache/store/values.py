"""Values of the store: bytes that end in a checksum.

In format 2 the checksum is the 64-bit XXH3 hash of the key, the number of bytes (8 bytes,
little-endian) and the bytes, so a value is not valid if its key is damaged or if it is truncated.
In format 1 the checksum is the hash of the bytes alone. `embedcache.store.upgrade` converts format
1 to format 2; until it has finished, a value may have either checksum. The header has the checksum
of format 1, so that every version of this package can read it.
"""

import json
from typing import Any

import lmdb
from xxhash import xxh3_64, xxh3_64_digest

from embedcache.errors import StoreError
from embedcache.store.environment import Environment

FORMAT = 2
FORMAT_WITH_TEXTS = 3  # format 2 with texts; earlier versions of this package refuse it
HEADER_KEY = b"format"
TEXT_PREFIX = b"t"  # of the keys of texts: see `embedcache.store.texts`
CHECKSUM_BYTES = 8


def with_checksum(key: bytes, *parts: Any) -> bytes:  # noqa: ANN401
    """Join contiguous buffers into a value that ends in its checksum."""
    return b"".join((*parts, _checksum(key, *parts)))


def put(transaction: lmdb.Transaction, key: bytes, *parts: Any) -> None:  # noqa: ANN401
    """Write a value, which is given as contiguous buffers."""
    transaction.put(key, with_checksum(key, *parts))


def get(
    environment: Environment, transaction: lmdb.Transaction, key: bytes, *, reverify: bool = False
) -> memoryview | None:
    """Read a value without copying it.

    Args:
        environment: Environment of the store.
        transaction: Read or write transaction of the environment.
        key: Key of the value.
        reverify: Whether to verify the checksum even if this process has verified it before. This
            is necessary before the value is copied into a new one, whose checksum will be valid.

    Returns:
        The value without its checksum, a view that is valid as long as the transaction; None if
        there is no value.

    Raises:
        StoreError: The value is damaged, or a later version of this package wrote the store.
    """
    value = transaction.get(key)
    if value is None:
        return None
    data, checksum = _split(value)
    if reverify or environment.verified.get(key) != checksum:
        if not is_sound(key, value) and not (
            read_format(environment, transaction) == 1 and is_sound(key, value, 1)
        ):
            raise damaged(environment, key)
        environment.verified[key] = checksum
    return data


def is_sound(key: bytes, value: Any, store_format: int = FORMAT) -> bool:  # noqa: ANN401
    """Return whether the checksum of a value is correct; format 1 accepts those of both formats."""
    data, checksum = _split(value)
    if key == HEADER_KEY:
        return checksum == xxh3_64_digest(data)
    return checksum == _checksum(key, data) or (
        store_format == 1 and checksum == xxh3_64_digest(data)
    )


def keys_with(transaction: lmdb.Transaction, prefix: bytes) -> list[bytes]:
    """List the keys that begin with a prefix, in ascending order."""
    keys = []
    cursor = transaction.cursor()
    present = cursor.set_range(prefix)
    while present and (key := bytes(cursor.key())).startswith(prefix):
        keys.append(key)
        present = cursor.next()
    return keys


def read_format(environment: Environment, transaction: lmdb.Transaction) -> int | None:
    """Read the format of the store; None if it has no header.

    Raises:
        StoreError: The header is damaged, or a later version of this package wrote it.
    """
    value = transaction.get(HEADER_KEY)
    if value is None:
        return None
    if not is_sound(HEADER_KEY, value):
        raise damaged(environment, HEADER_KEY)
    store_format = int(json.loads(bytes(content(value)))["format"])
    if store_format > FORMAT_WITH_TEXTS:
        raise StoreError(
            f"{environment.path} was written by a later version of segtool: upgrade segtool"
        )
    return store_format


def put_format(transaction: lmdb.Transaction, store_format: int = FORMAT) -> None:
    """Write the header of a store."""
    transaction.put(HEADER_KEY, header(store_format))


def header(store_format: int) -> bytes:
    """Return the header of a store as a value with its checksum."""
    data = json.dumps({"format": store_format}).encode()
    return data + xxh3_64_digest(data)


def check_format(environment: Environment, transaction: lmdb.Transaction) -> None:
    """Check that the store has a format that this version writes.

    Raises:
        StoreError: The store has an earlier or later format, or its header is missing or damaged.
    """
    number = read_format(environment, transaction)
    if number not in (FORMAT, FORMAT_WITH_TEXTS):
        raise StoreError(
            f"the store {environment.path} has format {number}, which can only be read: "
            "run segtool store upgrade first"
        )


def damaged(environment: Environment, key: bytes) -> StoreError:
    """Return the error for a damaged value."""
    return StoreError(
        f"the store {environment.path} is damaged at {key!r}: run segtool store repair"
    )


def content(value: Any) -> memoryview:  # noqa: ANN401
    """Return a value without its checksum, as a view."""
    return _split(value)[0]


def _split(value: Any) -> tuple[memoryview, bytes]:  # noqa: ANN401
    view = memoryview(value)
    return view[:-CHECKSUM_BYTES], bytes(view[-CHECKSUM_BYTES:])


def _checksum(key: bytes, *parts: Any) -> bytes:  # noqa: ANN401
    size = sum(memoryview(part).nbytes for part in parts)
    checksum = xxh3_64(key + size.to_bytes(8, "little"))
    for part in parts:
        checksum.update(part)
    return checksum.digest()
