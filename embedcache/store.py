"""The store: every sentence's vector once for each encoder, in one LMDB environment.

Layout, format 1. All numbers are little-endian but those in keys, which are big-endian to sort.
Every value ends in the 8-byte XXH3 64 checksum of what comes before it.

    b"format"                        JSON: {"format": 1}
    b"space/" + fingerprint          JSON: number, name, identity, dim, dtype, rows, ...
    b"v" + number (4) + block (8)    up to 1,024 rows of a vector each, in order of arrival
    b"i" + number (4) + segment (8)  a sorted run of the index: see `embedcache.index`

Only the last block of a space is ever written again. A commit is one LMDB transaction: after a
crash the store holds all of it or nothing.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmdb

from embedcache.environment import Environment
from embedcache.errors import StoreError
from embedcache.space import (
    SPACE_PREFIX,
    Space,
    SpaceInfo,
    StorageDtype,
    parse_info,
    put_info,
    space_key,
)

FORMAT = 1


class EmbeddingStore:
    """Vectors of sentences on disk, keyed by encoder fingerprint and sentence id.

    Any number of threads and processes may read while one writes; writers take turns.

    Args:
        path: folder of the store.
        create: make the store where there is none.

    Raises:
        StoreError: no store there, or one of a later format.

    Example:
        >>> import tempfile
        >>> from embedcache import sentence_ids
        >>> store = EmbeddingStore(tempfile.mkdtemp())
        >>> space = store.create_space("0" * 32, name="tiny", dim=2)
        >>> ids = sentence_ids(["雨が降る", "風が吹く"])
        >>> space.append(ids, np.eye(2, dtype=np.float32))
        2
        >>> space.vectors(ids[::-1])
        array([[0., 1.],
               [1., 0.]], dtype=float32)
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = True) -> None:
        self.path = Path(path)
        if not create and not (self.path / "data.mdb").exists():
            raise StoreError(f"there is no embedding store at {self.path}")
        self._environment = Environment.open(self.path)
        with self._environment.reading() as transaction:
            header = self._environment.get(transaction, b"format")
        if header is None:
            self._environment.write(self._write_format, 0)
        elif json.loads(bytes(header))["format"] > FORMAT:
            raise StoreError(f"{self.path} was written by a later segtool: upgrade segtool")

    def _write_format(self, transaction: lmdb.Transaction) -> None:
        self._environment.put(transaction, b"format", json.dumps({"format": FORMAT}).encode())

    def spaces(self) -> list[SpaceInfo]:
        """List the spaces in the order they were made."""
        with self._environment.reading() as transaction:
            infos = [
                parse_info(self._environment.get(transaction, bytes(key)))
                for key in _keys_from(transaction, SPACE_PREFIX)
            ]
        return sorted(infos, key=lambda info: info.number)

    def space(self, fingerprint: str) -> "Space":
        """Return the space of an encoder.

        Raises:
            StoreError: the store has none of this fingerprint; the message lists those it has.
        """
        infos = self.spaces()
        if not any(info.fingerprint == fingerprint for info in infos):
            present = ", ".join(f"{info.name} ({info.fingerprint[:8]})" for info in infos)
            raise StoreError(
                f"the store {self.path} has no vectors of the encoder {fingerprint[:8]}; "
                f"it has: {present or 'nothing yet'}"
            )
        return Space(self._environment, fingerprint)

    def create_space(
        self,
        fingerprint: str,
        *,
        name: str,
        dim: int,
        dtype: StorageDtype | None = None,
        identity: dict[str, Any] | None = None,
    ) -> "Space":
        """Return the space of an encoder, made where it is missing, of float32 by default.

        Raises:
            StoreError: the space exists with another dimension or dtype.
        """
        with self._environment.reading() as transaction:
            missing = self._environment.get(transaction, space_key(fingerprint)) is None

        def create(transaction: lmdb.Transaction) -> None:
            if self._environment.get(transaction, space_key(fingerprint)) is None:
                number = len(_keys_from(transaction, SPACE_PREFIX))
                info = SpaceInfo(
                    fingerprint, number, name, dim, dtype or "float32", identity=identity or {}
                )
                put_info(self._environment, transaction, info)

        if missing:
            self._environment.write(create, 0)
        space = Space(self._environment, fingerprint)
        present = space.info()
        if present.dim != dim or dtype not in (None, present.dtype):
            raise StoreError(
                f"{self.path} holds {name} as {present.dim} {present.dtype}, not {dim} "
                f"{dtype or present.dtype}: keep to that, or take another store"
            )
        return space


def _keys_from(transaction: lmdb.Transaction, prefix: bytes) -> list[bytes]:
    def matching() -> Iterator[bytes]:
        cursor = transaction.cursor()
        present = cursor.set_range(prefix)
        while present and bytes(cursor.key()).startswith(prefix):
            yield bytes(cursor.key())
            present = cursor.next()

    return list(matching())
