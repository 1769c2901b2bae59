"""Description of a space, and the keys of its values; see `embedcache.store.store`."""

import json
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import lmdb
import numpy as np

from embedcache.errors import StoreError
from embedcache.store import values
from embedcache.store.environment import Environment
from embedcache.store.index import ENTRY_BYTES, Segment

BLOCK_ROWS = 1024
INFO_PREFIX = b"space/"
BLOCK_PREFIX = b"v"
SEGMENT_PREFIX = b"i"
KEY_BYTES = 13  # of the key of a block or a segment
JOIN = "+"  # between the fingerprints, or the names, of the parts of a joined encoder

StorageDtype = Literal["float32", "float16", "int32"]


@dataclass(frozen=True)
class SpaceInfo:
    """Description of the vectors of one encoder in a store.

    Attributes:
        fingerprint: Fingerprint of the encoder.
        number: Number that replaces the fingerprint in the keys of blocks and segments.
        name: Name of the encoder.
        dim: Length of a vector.
        dtype: Dtype of the stored numbers. float16 rounds to 11 bits, a relative error of at most
            2**-11 per number for magnitudes above 6e-5. int32 is for encoders whose vectors
            hold the row numbers of a sentence's words.
        rows: Number of vectors.
        identity: Identity of the encoder; the fingerprint is its hash.
        precisions: Number of rows computed in each precision. The index refers to a precision by
            its position here, starting from 1.
        segments: For each segment of the index, its number and how many ids it has; oldest first.
    """

    fingerprint: str
    number: int
    name: str
    dim: int
    dtype: StorageDtype = "float32"
    rows: int = 0
    identity: dict[str, Any] = field(default_factory=dict)
    precisions: dict[str, int] = field(default_factory=dict)
    segments: tuple[tuple[int, int], ...] = ()

    @property
    def memory_dtype(self) -> np.dtype[Any]:
        """Dtype of gathered vectors: int32 if the space stores int32, else float32."""
        return np.dtype("int32" if self.dtype == "int32" else "float32")

    @property
    def bytes(self) -> int:
        """Size of the vectors in bytes."""
        return self.rows * self.dim * np.dtype(self.dtype).itemsize

    @property
    def blocks(self) -> range:
        """Numbers of the blocks of vectors."""
        return range(-(-self.rows // BLOCK_ROWS))


def block_key(info: SpaceInfo, number: int) -> bytes:
    """Return the key of a block of vectors."""
    return BLOCK_PREFIX + struct.pack(">IQ", info.number, number)


def block_bytes(info: SpaceInfo, number: int) -> int:
    """Return the size of a block in bytes, without its checksum."""
    rows = min(BLOCK_ROWS, info.rows - number * BLOCK_ROWS)
    return rows * info.dim * np.dtype(info.dtype).itemsize


def segment_key(info: SpaceInfo, number: int) -> bytes:
    """Return the key of a segment of the index."""
    return SEGMENT_PREFIX + struct.pack(">IQ", info.number, number)


def space_number(key: bytes) -> int:
    """Return the number of the space of a block or segment, given its key."""
    (number,) = struct.unpack(">I", key[1:5])
    return int(number)


def info_key(fingerprint: str) -> bytes:
    """Return the key of the description of a space."""
    return INFO_PREFIX + fingerprint.encode()


def read_info(
    environment: Environment,
    transaction: lmdb.Transaction,
    fingerprint: str,
    *,
    reverify: bool = False,
) -> SpaceInfo:
    """Read the description of a space.

    Args:
        environment: Environment of the store.
        transaction: Transaction of the environment.
        fingerprint: Fingerprint of the space.
        reverify: Whether to verify the checksum even if it was verified before.

    Raises:
        StoreError: The description is missing or damaged.
    """
    key = info_key(fingerprint)
    value = values.get(environment, transaction, key, reverify=reverify)
    if value is None:
        raise StoreError(f"the store {environment.path} no longer has the space {fingerprint}")
    info = parse_info(value)
    if info.fingerprint != fingerprint:  # the checksum of format 1 does not cover the key
        raise values.damaged(environment, key)
    return info


def read_infos(environment: Environment, transaction: lmdb.Transaction) -> list[SpaceInfo]:
    """Read the descriptions of all spaces, in the order in which they were created.

    Raises:
        StoreError: A description, or the key of one, is damaged.
    """
    infos = [
        read_info(environment, transaction, key[len(INFO_PREFIX) :].decode())
        for key in checked_keys(environment, transaction)
        if key.startswith(INFO_PREFIX)
    ]
    return sorted(infos, key=lambda info: info.number)


def checked_keys(environment: Environment, transaction: lmdb.Transaction) -> list[bytes]:
    """List the keys of all values.

    Raises:
        StoreError: A key is of no known kind. It may be the damaged key of a space.
    """
    keys = [bytes(key) for key in transaction.cursor().iternext(values=False)]
    of_space = (INFO_PREFIX, BLOCK_PREFIX, SEGMENT_PREFIX)
    for key in keys:
        is_known = key.startswith((values.HEADER_KEY, values.TEXT_PREFIX, *of_space))
        if not is_known or (key.startswith(INFO_PREFIX) and not key.isascii()):
            raise values.damaged(environment, key)
    return keys


def read_segments(
    environment: Environment, transaction: lmdb.Transaction, info: SpaceInfo
) -> Iterator[Segment]:
    """Yield the segments of a space's index, as views that are valid until the transaction ends.

    Raises:
        StoreError: A segment is damaged.
    """
    for number, _ in info.segments:
        key = segment_key(info, number)
        data = values.get(environment, transaction, key)
        if data is None:
            raise values.damaged(environment, key)
        yield Segment.from_bytes(data)


def parse_info(data: memoryview) -> SpaceInfo:
    """Return the description of a space, given its value without the checksum."""
    fields = json.loads(bytes(data))
    fields["segments"] = tuple(tuple(pair) for pair in fields["segments"])
    return SpaceInfo(**fields)


def value_sizes(info: SpaceInfo) -> dict[bytes, int]:
    """Return the sizes of the blocks and segments of a space, in bytes without checksum, by key."""
    sizes = {block_key(info, number): block_bytes(info, number) for number in info.blocks}
    return sizes | {segment_key(info, number): ENTRY_BYTES * n for number, n in info.segments}


def put_info(transaction: lmdb.Transaction, info: SpaceInfo) -> None:
    """Write the description of a space."""
    transaction.put(info_key(info.fingerprint), info_value(info))


def info_value(info: SpaceInfo) -> bytes:
    """Return the description of a space as a value with its checksum."""
    content = json.dumps(asdict(info), ensure_ascii=False).encode()
    return values.with_checksum(info_key(info.fingerprint), content)
