"""One LMDB environment: opened once a process, growing by itself, read-only where it must be."""

import concurrent.futures.thread  # noqa: F401 - see the end of this module
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, TypeVar
from weakref import WeakValueDictionary

import lmdb

from embedcache.errors import StoreError
from embedcache.store.opening import Handle, open_handle, telling_trouble
from embedcache.store.shared_lock import SharedLock

_SPARE_BYTES = 1 << 18  # tree pages beside the values

Result = TypeVar("Result")


def _identity(file: Path) -> tuple[int, int]:
    """Tell a file from another of its name that came later."""
    status = file.stat()
    return status.st_dev, status.st_ino


class Environment:
    """An LMDB environment that is read and written in transactions.

    LMDB allows one handle an environment and process, so `Environment.open` returns the same object
    for the same file. A handle must not be used in a fork of its process: there it is closed, and
    opened anew at its first use. If the folder cannot be written, the environment is read-only.

    Attributes:
        path: folder of the environment.
        verified: (key, checksum) of the values that this process has verified.
    """

    _opened: ClassVar["WeakValueDictionary[tuple[int, int], Environment]"] = WeakValueDictionary()
    _opening: ClassVar[threading.Lock] = threading.Lock()
    _held: ClassVar[list["Environment"]] = []  # during a fork

    def __init__(self, path: Path) -> None:
        self.path = path
        self.verified: set[tuple[bytes, bytes]] = set()
        # shared by whoever uses LMDB, held alone while the map moves and while the process forks
        self._gate = SharedLock()
        self._handle: Handle | None = open_handle(path)
        self._file = path.absolute() / "data.mdb"
        self._identity = _identity(self._file)

    @classmethod
    def open(cls, path: Path) -> "Environment":
        """Return the process's environment in this folder; make it if it is missing.

        Raises:
            StoreError: what is there is no environment or a damaged one, or it cannot be made.
        """
        file = path / "data.mdb"
        with cls._opening:
            environment = cls._opened.get(_identity(file)) if file.exists() else None
            if environment is None:
                environment = cls(path)
                cls._opened[environment._identity] = environment
            environment.path, environment._file = path, file.absolute()
            return environment

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle:
            handle.lmdb.close()

    @contextmanager
    def reading(self) -> Iterator[lmdb.Transaction]:
        """Open a read transaction: a snapshot; values are views that die with it.

        Raises:
            StoreError: too many readers, or a writer has overwritten the snapshot, which only
                happens where this process cannot write the lock file.
        """
        with self._transaction(write=False) as transaction:
            try:
                yield transaction
            finally:
                # Pages of a snapshot may be overwritten from its third successor on, which begins
                # when the second one is committed.
                handle = self._open_handle()
                if handle.without_lock and handle.lmdb.info()["last_txnid"] > transaction.id() + 1:
                    raise StoreError(
                        f"the store {self.path} was written while it was read without its lock "
                        "file: try again, or make the folder writable"
                    )

    def check_writable(self) -> None:
        """Make sure that the environment can be written.

        Raises:
            StoreError: its folder or file system is read-only.
        """
        if self._open_handle().read_only:
            raise StoreError(
                f"the store {self.path} cannot be written: its folder or file system is read-only"
            )

    def write(self, action: Callable[[lmdb.Transaction], Result], expected_bytes: int) -> Result:
        """Run an action in one write transaction: all of it is on disk afterwards, or nothing.

        Args:
            action: writes through the transaction; called again after the map had to grow.
            expected_bytes: about what it writes, so that the map is large enough at once.

        Raises:
            StoreError: the environment is read-only, or the disk fails.
        """
        self.check_writable()
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
        with telling_trouble(self.path):
            transaction = self._begin(write=write)
            try:
                with transaction:
                    yield transaction
            finally:
                self._gate.release_shared()

    def _begin(self, *, write: bool) -> lmdb.Transaction:
        handle = self._lmdb
        while True:
            transaction = None
            resized = False
            self._gate.acquire_shared()
            try:
                transaction = handle.begin(write=write, buffers=True)
                return transaction
            except lmdb.ReadersFullError:
                self._free_readers(handle)
            except lmdb.MapResizedError:  # another process has grown the file
                resized = True
            finally:
                if transaction is None:
                    self._gate.release_shared()
            if resized:
                self._resize(self._doubled)

    def _free_readers(self, handle: lmdb.Environment) -> None:
        if not handle.reader_check():  # no slot belongs to a dead process
            raise StoreError(
                f"the store {self.path} has as many readers as it can serve "
                f"({handle.info()['max_readers']:,}): end some that read it"
            )

    def _make_room(self, free_bytes: int) -> None:
        handle = self._lmdb
        with self._gate.shared():
            enough = self._wanted(free_bytes) <= handle.info()["map_size"]
        if not enough:
            self._resize(lambda: max(self._wanted(free_bytes), self._doubled()))

    def _wanted(self, free_bytes: int) -> int:
        handle = self._lmdb
        page_bytes: int = handle.stat()["psize"]
        pages: int = handle.info()["last_pgno"] + 1 + -(-free_bytes // page_bytes)
        return pages * page_bytes

    def _doubled(self) -> int:
        # Never below the file's size: on Windows a map has a file of its own size, which no process
        # can shorten while another one maps it. LMDB marks the file as sparse there.
        present = self._file.stat().st_size if self._file.exists() else 0
        return max(2 * int(self._lmdb.info()["map_size"]), present)

    def _resize(self, size: Callable[[], int]) -> None:
        """Set the size of the map while no thread is in a transaction."""
        with self._gate.exclusive():
            self._lmdb.set_mapsize(size())

    def _open_handle(self) -> Handle:
        if self._handle is None:  # this process is a fork of the one that opened it
            with self._opening:
                if not self._file.exists() or _identity(self._file) != self._identity:
                    raise StoreError(f"the store {self.path} was moved or deleted: open it again")
                self._handle = self._handle or open_handle(self._file.parent)
        return self._handle

    @property
    def _lmdb(self) -> lmdb.Environment:
        return self._open_handle().lmdb


def _before_fork() -> None:
    """Let no thread be in a transaction or open an environment while the process is forked.

    The child could not close such a handle without harm to the parent: it would free its reader
    slots, or wait for threads that it does not have.
    """
    Environment._opening.acquire()
    Environment._held = list(Environment._opened.values())
    for environment in Environment._held:
        environment._gate.acquire_exclusive()


def _after_fork_in_parent() -> None:
    for environment in Environment._held:
        environment._gate.release_exclusive()
    Environment._held = []
    Environment._opening.release()


def _after_fork_in_child() -> None:
    for environment in Environment._held:
        if environment._handle:
            environment._handle.lmdb.close()
        environment._handle = None
        environment._gate = SharedLock()
    Environment._held = []
    Environment._opening.release()


if hasattr(os, "register_at_fork"):
    # The hooks before a fork run in reverse order of registration. That of concurrent.futures takes
    # a lock that threads in a transaction need, so it must run after ours: hence the import above.
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
