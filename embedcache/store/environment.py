"""An LMDB environment that is opened once per process and grows automatically."""

import concurrent.futures.thread  # noqa: F401 - see the end of this module
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import ClassVar, TypeVar
from weakref import WeakValueDictionary

import lmdb

from embedcache.errors import StoreError
from embedcache.store.opening import Handle, open_handle, translate_lmdb_errors
from embedcache.store.shared_lock import SharedLock

_SPARE_BYTES = 1 << 18  # room for the pages of the tree, in addition to the values

Result = TypeVar("Result")


def _file_identity(file: Path) -> tuple[int, int]:
    """Return numbers that distinguish a file from a later one of the same name."""
    status = file.stat()
    return status.st_dev, status.st_ino


class Environment:
    """An LMDB environment that is read and written in transactions.

    LMDB allows one handle per environment and process, so `Environment.open` returns the same
    object for the same file. A handle must not be used in a forked child process: the child closes
    it and opens a new one at its first use. If the folder cannot be written, the environment is
    read-only.

    Attributes:
        path: Folder of the environment.
        verified: Keys and checksums of the values that this process has verified.
    """

    _opened: ClassVar["WeakValueDictionary[tuple[int, int], Environment]"] = WeakValueDictionary()
    _opening: ClassVar[threading.Lock] = threading.Lock()
    _held: ClassVar[list["Environment"]] = []  # their gates are held during a fork

    def __init__(self, path: Path, handle: Handle) -> None:
        self._handle: Handle | None = handle  # None in a forked child until its first use
        self.path = path
        self.verified: set[tuple[bytes, bytes]] = set()
        # shared by threads that use LMDB; held exclusively while the map moves or the process forks
        self._gate = SharedLock()
        self._file = path.absolute() / "data.mdb"
        self._identity = _file_identity(self._file)

    @classmethod
    def open(cls, path: Path) -> "Environment":
        """Return the environment in a folder; create it if it is missing.

        Raises:
            StoreError: The environment is invalid or incomplete, or it cannot be opened or created.
        """
        file = path / "data.mdb"
        with cls._opening:
            environment = cls._opened.get(_file_identity(file)) if file.exists() else None
            if environment is None:
                environment = cls(path, open_handle(path))
                cls._opened[environment._identity] = environment
            environment.path, environment._file = path, file.absolute()
            return environment

    def __del__(self) -> None:
        if self._handle:
            self._handle.lmdb.close()

    @contextmanager
    def reading(self) -> Iterator[lmdb.Transaction]:
        """Open a read transaction on a snapshot.

        The values read are views that are valid until the transaction ends.

        Raises:
            StoreError: There are too many readers, or a writer has overwritten the snapshot, which
                is only possible if this process cannot write the lock file.
        """
        with self._transaction(write=False) as transaction:
            try:
                yield transaction
            finally:
                # The third write transaction after a snapshot may overwrite the pages of the
                # snapshot. It can begin as soon as the second one is committed.
                handle = self._open_handle()
                if handle.without_lock and handle.lmdb.info()["last_txnid"] > transaction.id() + 1:
                    raise StoreError(
                        f"the store {self.path} was written while it was read without its lock "
                        "file: try again, or make the folder writable"
                    )

    def check_writable(self) -> None:
        """Check that the environment can be written.

        Raises:
            StoreError: Its folder or file system is read-only.
        """
        if self._open_handle().read_only:
            raise StoreError(
                f"the store {self.path} cannot be written: its folder or file system is read-only"
            )

    def write(self, action: Callable[[lmdb.Transaction], Result], expected_bytes: int) -> Result:
        """Run an action in one write transaction: all its changes reach the disk, or none.

        Args:
            action: Function that writes through the transaction. It is called again if the map was
                too small.
            expected_bytes: Estimated size of what the action writes; a good estimate avoids
                calling the action twice.

        Returns:
            The result of the action.

        Raises:
            StoreError: The environment is read-only, or the disk fails.
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
        with translate_lmdb_errors(self.path), ExitStack() as held:
            yield self._begin(held, write=write)

    def _begin(self, held: ExitStack, *, write: bool) -> lmdb.Transaction:
        """Share the gate and begin a transaction; both end when `held` is closed."""
        lmdb_environment = self._lmdb  # before the gate: `_before_fork` acquires `_opening` first
        while True:
            held.enter_context(self._gate.shared())
            try:
                return held.enter_context(lmdb_environment.begin(write=write, buffers=True))
            except lmdb.ReadersFullError:
                self._free_readers(lmdb_environment)
                held.close()
            except lmdb.MapResizedError:  # another process has grown the file
                held.close()
                self._resize(self._doubled)

    def _free_readers(self, lmdb_environment: lmdb.Environment) -> None:
        if not lmdb_environment.reader_check():  # no slot belongs to a dead process
            raise StoreError(
                f"the store {self.path} has the maximum number of readers "
                f"({lmdb_environment.info()['max_readers']:,}): end some of the processes that "
                "read it"
            )

    def _make_room(self, free_bytes: int) -> None:
        lmdb_environment = self._lmdb
        with self._gate.shared():
            enough = self._required_size(free_bytes) <= lmdb_environment.info()["map_size"]
        if not enough:
            self._resize(lambda: max(self._required_size(free_bytes), self._doubled()))

    def _required_size(self, free_bytes: int) -> int:
        """Return the size that the map needs for its pages in use and some free bytes."""
        lmdb_environment = self._lmdb
        page_bytes: int = lmdb_environment.stat()["psize"]
        pages: int = lmdb_environment.info()["last_pgno"] + 1 + -(-free_bytes // page_bytes)
        return pages * page_bytes

    def _doubled(self) -> int:
        # Not smaller than the file: on Windows the file has the size of the map, and no process can
        # shorten it while another one maps it. LMDB marks the file as sparse there.
        present = self._file.stat().st_size if self._file.exists() else 0
        return max(2 * int(self._lmdb.info()["map_size"]), present)

    def _resize(self, size: Callable[[], int]) -> None:
        """Set the size of the map while no thread has a transaction."""
        with self._gate.exclusive():
            self._lmdb.set_mapsize(size())

    def _open_handle(self) -> Handle:
        if self._handle is None:  # this process is a child of the one that opened the environment
            with self._opening:
                if not self._file.exists() or _file_identity(self._file) != self._identity:
                    raise StoreError(f"the store {self.path} was moved or deleted: open it again")
                self._handle = self._handle or open_handle(self._file.parent)
        return self._handle

    @property
    def _lmdb(self) -> lmdb.Environment:
        return self._open_handle().lmdb


def _before_fork() -> None:
    """Wait until no thread has a transaction or opens an environment, and let none begin.

    Otherwise, the child could not close the handle safely: it would free reader slots of the
    parent, or wait for threads that do not exist in the child.
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
    # The hooks before a fork run in reverse order of registration. The hook of concurrent.futures
    # takes a lock that threads in a transaction need, so it must run after this one. The import at
    # the top registers it first.
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
