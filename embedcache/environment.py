"""One LMDB environment: opened once a process, growing by itself, every value with its checksum."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

import lmdb
from xxhash import xxh3_64, xxh3_64_digest

from embedcache.errors import StoreError

_CHECKSUM_BYTES = 8
_INITIAL_MAP_BYTES = 1 << 26
_SPARE_BYTES = 1 << 18  # tree pages beside the values
_MAX_READERS = 1024
_TROUBLE = (  # of the file or its disk, not of this code
    lmdb.CorruptedError,
    lmdb.DiskError,
    lmdb.InvalidError,
    lmdb.PageNotFoundError,
    lmdb.ReadonlyError,
    lmdb.VersionMismatchError,
)

Result = TypeVar("Result")


def _identity(file: Path) -> tuple[int, int]:
    """Tell a file from another of its name that came later."""
    status = file.stat()
    return status.st_dev, status.st_ino


@contextmanager
def _telling_trouble(path: Path) -> Iterator[None]:
    try:
        yield
    except lmdb.Error as error:
        # what LMDB has no number for is the system's: a full quota, a disk that is read only
        if type(error) is not lmdb.Error and not isinstance(error, _TROUBLE):
            raise
        raise StoreError(f"the store {path} cannot be used: {error}") from error


class Environment:
    """An LMDB environment whose values end in an XXH3 64 checksum.

    LMDB allows one handle an environment and process, so `Environment.open` hands out the same
    object for the same file.

    Args:
        path: folder of the environment, made where it is missing.

    Raises:
        StoreError: what is there is no environment, or may not be written.
    """

    _opened: ClassVar["WeakValueDictionary[tuple[int, int], Environment]"] = WeakValueDictionary()
    _opening: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        with _telling_trouble(path):
            self._lmdb = lmdb.open(
                os.fspath(path), map_size=_INITIAL_MAP_BYTES, max_readers=_MAX_READERS
            )
        self._page_bytes: int = self._lmdb.stat()["psize"]
        self._idle = threading.Condition()
        self._resizing = False
        self._active = 0  # transactions of this process; the map may only move while there is none
        self._verified: set[tuple[bytes, int]] = set()

    @classmethod
    def open(cls, path: Path) -> "Environment":
        """Return the process's environment at this folder, as the folder is now."""
        file = path / "data.mdb"
        with cls._opening:
            environment = cls._opened.get(_identity(file)) if file.exists() else None
            if environment is None:
                environment = cls(path)
                cls._opened[_identity(file)] = environment
            return environment

    def __del__(self) -> None:
        if hasattr(self, "_lmdb"):
            self._lmdb.close()

    @contextmanager
    def reading(self) -> Iterator[lmdb.Transaction]:
        """Open a read transaction: a snapshot; values are views that die with it."""
        with self._transaction(write=False) as transaction:
            yield transaction

    def write(self, action: Callable[[lmdb.Transaction], Result], expected_bytes: int) -> Result:
        """Run an action in one write transaction: all of it is on disk afterwards, or nothing.

        Args:
            action: writes through the transaction; called again after the map had to grow.
            expected_bytes: about what it writes, so that the map is large enough at once.
        """
        free = expected_bytes + _SPARE_BYTES
        while True:
            self._make_room(free)
            try:
                with self._transaction(write=True) as transaction:
                    return action(transaction)
            except lmdb.MapFullError:
                free *= 2

    @contextmanager
    def _transaction(self, *, write: bool) -> Iterator[lmdb.Transaction]:
        with _telling_trouble(self.path):
            transaction = self._begin(write=write)
            try:
                with transaction:
                    yield transaction
            finally:
                self._leave()

    def _begin(self, *, write: bool) -> lmdb.Transaction:
        while True:
            with self._idle:
                self._idle.wait_for(lambda: not self._resizing)
                self._active += 1
            try:
                return self._lmdb.begin(write=write, buffers=True)
            except lmdb.MapResizedError:  # another process has grown the file
                self._leave()
                self._resize(lambda: 0)
            except BaseException:
                self._leave()
                raise

    def _leave(self) -> None:
        with self._idle:
            self._active -= 1
            self._idle.notify_all()

    def _make_room(self, free_bytes: int) -> None:
        info = self._lmdb.info()
        if self._wanted(free_bytes) > info["map_size"]:
            self._resize(lambda: max(self._wanted(free_bytes), 2 * self._lmdb.info()["map_size"]))

    def _wanted(self, free_bytes: int) -> int:
        pages: int = self._lmdb.info()["last_pgno"] + 1 + -(-free_bytes // self._page_bytes)
        return pages * self._page_bytes

    def _resize(self, size: Callable[[], int]) -> None:
        """Set the size of the map, 0 for that of the file, while no thread is inside."""
        with self._idle:
            self._idle.wait_for(lambda: not self._resizing)
            self._resizing = True  # no thread enters any more, or busy readers would starve us
            try:
                self._idle.wait_for(lambda: self._active == 0)
                self._lmdb.set_mapsize(size())
            finally:
                self._resizing = False
                self._idle.notify_all()

    def put(self, transaction: lmdb.Transaction, key: bytes, *parts: Any) -> None:  # noqa: ANN401
        """Write a value, given as buffers to join, with its checksum behind it."""
        checksum = xxh3_64()
        for part in parts:
            checksum.update(part)
        transaction.put(key, b"".join((*parts, checksum.digest())))

    def get(self, transaction: lmdb.Transaction, key: bytes) -> memoryview | None:
        """Read a value without copying it; its checksum is verified once a process.

        Raises:
            StoreError: the value is damaged.
        """
        value = transaction.get(key)
        if value is None:
            return None
        assert isinstance(value, memoryview)  # noqa: S101 - transactions are opened with buffers
        data, checksum = value[:-_CHECKSUM_BYTES], value[-_CHECKSUM_BYTES:]
        seen = (key, int.from_bytes(checksum, "little"))
        if seen not in self._verified:
            if xxh3_64_digest(data) != bytes(checksum):
                raise StoreError(
                    f"the store {self.path} is damaged at {key!r}: delete it and embed again"
                )
            self._verified.add(seen)
        return data
