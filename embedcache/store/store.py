"""The store: one vector per sentence and encoder, in one LMDB environment.

Layout of format 2. Numbers are little-endian, except in keys, where they are big-endian so that
keys sort by number. The size of an integer in a key is given in parentheses, in bytes; "number" is
the number of the space. Every value ends in an 8-byte checksum: see `embedcache.store.values`.

    b"format"                        JSON: {"format": 2}
    b"space/" + fingerprint          JSON: number, name, identity, dim, dtype, rows, ...
    b"v" + number (4) + block (8)    up to 1,024 vectors, in the order in which they were added
    b"i" + number (4) + segment (8)  a sorted segment of the index: see `embedcache.store.index`
    b"t" + part (8)                  texts of sentences: see `embedcache.store.texts`

Adding vectors rewrites only the last block of a space, after verifying it, and the segments that
are merged. A commit is one LMDB transaction: after a crash the store has all of it or nothing. The
file `commits` beside those of LMDB has a second record of the last two commits: see
`embedcache.store.commits`. Format 1 has weaker checksums and does not record the precision of each
row. It can still be read, and `EmbeddingStore.upgrade` converts it. Format 3 is format 2 with
texts.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lmdb
import numpy as np

from embedcache.errors import StoreError
from embedcache.ids import Ids
from embedcache.store import upgrade, values
from embedcache.store.environment import Environment
from embedcache.store.opening import missing_store
from embedcache.store.space import Space, Vectors
from embedcache.store.space_info import (
    BLOCK_PREFIX,
    INFO_PREFIX,
    JOIN,
    SEGMENT_PREFIX,
    SpaceInfo,
    StorageDtype,
    checked_keys,
    info_key,
    put_info,
    read_infos,
    space_number,
)
from embedcache.store.texts import Texts
from embedcache.store.values import FORMAT

_SHORTEST_FINGERPRINT = 8  # digits


class EmbeddingStore:
    """Vectors of sentences on disk, keyed by encoder fingerprint and sentence id.

    Any number of threads and processes may read while one writes; writers take turns. The store may
    be used in a forked child of the process that opened it. If the folder or the file system is
    read-only, the store can only be read.

    Args:
        path: Folder of the store.
        create: Whether to create the store if it is missing. Opening an existing store never
            modifies it.

    Raises:
        StoreError: The store is missing or damaged, has a later format, or cannot be opened or
            created.

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
        self._environment = Environment.open(self.path, create=create)
        with self._environment.reading() as transaction:
            store_format = values.read_format(self._environment, transaction)
            commits = transaction.id()
        if store_format is None and commits:
            raise values.damaged(self._environment, values.HEADER_KEY)
        if store_format is None:
            if not create:
                raise missing_store(self.path)
            self._environment.write(self._write_header, 0)

    def _write_header(self, transaction: lmdb.Transaction) -> None:
        # another process may have written it in the meantime
        if values.read_format(self._environment, transaction) is None:
            values.put_format(transaction)

    def format(self) -> int:
        """Return the current format of the store: 1, 2, or 3 if it keeps texts."""
        with self._environment.reading() as transaction:
            return values.read_format(self._environment, transaction) or FORMAT

    def file_bytes(self) -> int:
        """Return the size of the store's file in bytes."""
        return (self.path / "data.mdb").stat().st_size

    def used_bytes(self) -> int:
        """Return the size in bytes of the pages in use, without those of the list of free pages."""
        with self._environment.reading() as transaction:
            tree = transaction.stat()
        pages = sum(tree[kind] for kind in ("branch_pages", "leaf_pages", "overflow_pages"))
        return int((pages + 2) * tree["psize"])  # two pages describe the file

    def upgrade(self, *, progress: bool = False) -> int:
        """Convert a store from format 1 to format 2.

        The store remains readable during the conversion. About 64 MB are committed at a time. If
        the conversion is interrupted, call the method again to resume it. No process with an
        earlier version of this package may use the store during the conversion.

        Args:
            progress: Whether to show a progress bar on standard error.

        Returns:
            Number of values that were rewritten; 0 if the store does not have format 1.

        Raises:
            StoreError: The store is damaged or read-only. Valid values can be read as before.
        """
        return upgrade.upgrade(self._environment, self.spaces(), progress=progress)

    def texts(self) -> Texts:
        """Return the texts that the store keeps, to look up or to add to."""
        return Texts(self._environment)

    def spaces(self) -> list[SpaceInfo]:
        """List the spaces in the order in which they were created.

        Raises:
            StoreError: A description, or the key of one, is damaged.
        """
        with self._environment.reading() as transaction:
            return read_infos(self._environment, transaction)

    def get_space(self, fingerprint: str) -> Space | None:
        """Return the space of an encoder; None if the store has no such space."""
        exists = any(info.fingerprint == fingerprint for info in self.spaces())
        return Space(self._environment, fingerprint) if exists else None

    def space(self, fingerprint: str) -> Space:
        """Return the space of an encoder.

        Raises:
            StoreError: The store is damaged, or it has no such space. The message lists the spaces
                that it has.
        """
        space = self.get_space(fingerprint)
        if space is None:
            raise StoreError(
                f"the store {self.path} has no vectors from the encoder {fingerprint[:8]}; "
                f"it has: {_list_names(self.spaces())}"
            )
        return space

    def find_space(self, encoder: str) -> SpaceInfo:
        """Return the description of the space of an encoder.

        Args:
            encoder: Name of the encoder, or at least the first eight digits of its fingerprint.

        Raises:
            StoreError: There is no such space, there are several, or the store is damaged.
        """
        infos = self.spaces()
        is_long = len(encoder) >= _SHORTEST_FINGERPRINT
        found = [
            info
            for info in infos
            if info.name == encoder or (is_long and info.fingerprint.startswith(encoder))
        ]
        if len(found) == 1:
            return found[0]
        if found:
            choices = " or ".join(info.fingerprint for info in found)
            raise StoreError(f"{len(found)} spaces have the encoder {encoder}: choose {choices}")
        raise StoreError(f"the store has no space of {encoder}; it has: {_list_names(infos)}")

    def vectors(self, fingerprint: str, ids: Ids) -> Vectors:
        """Gather the vectors of sentences that an encoder computed.

        Args:
            fingerprint: Fingerprint of the encoder. For a joined encoder, the fingerprints of its
                parts, joined by "+"; the vectors of the parts are concatenated.
            ids: (n, 2) uint64 sentence ids, in any order, repeats allowed.

        Returns:
            (n, dim) int32 if the vectors of a single encoder are stored as int32, else float32.

        Raises:
            StoreError: The store has no space of an encoder or no vector of a sentence, or it is
                damaged.
        """
        spaces = [self.space(part) for part in fingerprint.split(JOIN)]
        if len(spaces) == 1:
            return spaces[0].vectors(ids)
        stops = np.cumsum([space.info().dim for space in spaces])
        vectors = np.empty((len(ids), stops[-1]), dtype=np.float32)
        for space, columns in zip(spaces, np.split(vectors, stops[:-1], axis=1), strict=True):
            space.vectors(ids, out=columns)
        return vectors

    def create_space(
        self,
        fingerprint: str,
        *,
        name: str,
        dim: int,
        dtype: StorageDtype | None = None,
        identity: dict[str, Any] | None = None,
    ) -> Space:
        """Return the space of an encoder; create it if it is missing.

        Args:
            fingerprint: Fingerprint of the encoder.
            name: Name of the encoder.
            dim: Length of a vector.
            dtype: Dtype of the stored numbers; None for the dtype of an existing space, or float32
                for a new one.
            identity: Identity of the encoder, for the description of a new space.

        Raises:
            StoreError: The space exists with another dimension or dtype, the store is damaged, or
                the space is missing and the store is read-only or of an earlier format.
        """
        key = info_key(fingerprint)
        with self._environment.reading() as transaction:
            missing = transaction.get(key) is None

        def create(transaction: lmdb.Transaction) -> None:
            values.check_format(self._environment, transaction)
            if transaction.get(key) is None:
                keys = checked_keys(self._environment, transaction)
                spaces = sum(key.startswith(INFO_PREFIX) for key in keys)
                number = _unused_number(transaction, spaces)
                info = SpaceInfo(
                    fingerprint, number, name, dim, dtype or "float32", identity=identity or {}
                )
                put_info(transaction, info)

        if missing:
            self._environment.write(create, 0)
        space = Space(self._environment, fingerprint)
        info = space.info()
        if info.dim != dim or dtype not in (None, info.dtype):
            raise StoreError(
                f"{self.path} stores the vectors of {name} with dimension {info.dim} and dtype "
                f"{info.dtype}, not dimension {dim} and dtype {dtype or info.dtype}: use the same "
                "dimension and dtype, or another store"
            )
        return space


def _list_names(infos: Sequence[SpaceInfo]) -> str:
    return ", ".join(f"{info.name} ({info.fingerprint[:8]})" for info in infos) or "nothing yet"


def _unused_number(transaction: lmdb.Transaction, spaces: int) -> int:
    """Return a number that no space has, not even one whose description is lost."""
    numbers = [spaces - 1]
    for prefix in (BLOCK_PREFIX, SEGMENT_PREFIX):
        cursor = transaction.cursor()
        is_beyond = cursor.set_range(bytes([prefix[0] + 1]))  # the first key after the prefix
        has_last = cursor.prev() if is_beyond else cursor.last()
        if has_last and bytes(cursor.key()).startswith(prefix):
            numbers.append(space_number(bytes(cursor.key())))
    return max(numbers) + 1
