"""An LMDB environment that is opened once per process, grows and may be replaced."""

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
from embedcache.store.commits import DATA_FILE, check_commits, record_commits
from embedcache.store.opening import (
    FileIdentity,
    Handle,
    copy_data,
    file_identity,
    missing_store,
    open_handle,
    translate_lmdb_errors,
)
from embedcache.store.shared_lock import SharedLock

_SPARE_BYTES = 1 << 18  # room for the pages of the tree, in addition to the values

Result = TypeVar("Result")


class Environment:
    """An LMDB environment that is read and written in transactions.

    LMDB allows one handle per environment and process, so `Environment.open` returns the same
    object for the same file. A handle must not be used in a forked child process: the child closes
    it and opens a new one when it first uses the environment. If the folder cannot be written, the
    environment is read-only. If another process has replaced the data file, the next transaction
    opens the new one; see `embedcache.store.replacement`.

    Attributes:
        path: Folder of the environment, as it was given to the last call of `open`.
        folder: The same folder as an absolute path without symbolic links.
        verified: Checksum of the value that this process last verified under each key.
    """

    _opened: ClassVar["WeakValueDictionary[FileIdentity, Environment]"] = WeakValueDictionary()
    _opening: ClassVar[threading.Lock] = threading.Lock()
    _held: ClassVar[list["Environment"]] = []  # their gates are held during a fork

    def __init__(self, path: Path) -> None:
        self._handle: Handle | None = None  # also in a forked child until its first use
        self._may_write = False  # whether this process has checked what LMDB needs to write
        self.path = path
        self.verified: dict[bytes, bytes] = {}
        # shared by threads that use LMDB; held exclusively while the map moves, the handle changes
        # or the process forks
        self._gate = SharedLock()
        self.folder = path.resolve()

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> "Environment":
        """Return the environment in a folder; create it if it is missing and `create` is True.

        Raises:
            StoreError: The environment is missing, damaged or incomplete, or it cannot be opened or
                created.
        """
        folder = path.resolve()
        file = folder / DATA_FILE
        if not create and not (file.exists() and file.stat().st_size):
            raise missing_store(path)
        with cls._opening:
            identity = file_identity(folder, DATA_FILE)
            environment = cls._opened.get(identity) if identity else None
            if environment is None:  # it is new, or its file has been replaced
                same_folder = (other for other in cls._opened.values() if other.folder == folder)
                environment = next(same_folder, None) or cls(path)
                environment._reopen()
            environment.path, environment.folder = path, folder
            return environment

    def __del__(self) -> None:
        if self._handle:
            self._handle.lmdb.close()

    @contextmanager
    def reading(self) -> Iterator[lmdb.Transaction]:
        """Open a read transaction on a snapshot.

        The values read are views that are valid until the transaction ends.

        Raises:
            StoreError: The store was moved or deleted, LMDB cannot read it, or it has too many
                readers; or a writer may have overwritten the snapshot, which is only possible if
                this process cannot write the lock file, or if another process was killed while it
                replaced the data file.
        """
        with self.transaction(write=False) as (transaction, handle):
            try:
                yield transaction
            finally:
                # The third write transaction after a snapshot may overwrite the pages of the
                # snapshot. It can begin as soon as the second one is committed.
                if (
                    handle.is_unknown_to_writers(self.folder)
                    and handle.lmdb.info()["last_txnid"] > transaction.id() + 1
                ):
                    raise StoreError(
                        f"the store {self.path} was written while it was read without its lock "
                        "file: try again, or make the folder writable"
                    )

    def check_writable(self) -> None:
        """Check that the environment can be written.

        Raises:
            StoreError: Its folder or file system is read-only, or it was moved or deleted.
        """
        with self._using() as handle:
            read_only = handle.read_only
        if read_only:
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
            StoreError: The environment is read-only, damaged, moved or deleted, or the disk fails
                or is full.
        """
        self.check_writable()
        free = expected_bytes + _SPARE_BYTES
        while True:
            self._make_room(free)
            try:
                with self.transaction(write=True) as (transaction, _):
                    if not self._may_write:
                        check_commits(self.folder, to_write=True)
                        self._may_write = True
                    result = action(transaction)
            except lmdb.MapFullError:
                free *= 2
            else:
                record_commits(self.folder)
                return result

    def copy(self, folder: Path) -> None:
        """Copy the data as of the last commit, without free pages, to a new file in a folder.

        Raises:
            StoreError: The data cannot be read, or the disk fails or is full.
        """
        with self.reading() as snapshot:
            assert self._handle  # noqa: S101 - it is kept until the transaction ends
            copy_data(self._handle.lmdb, folder, snapshot)

    @contextmanager
    def _using(self) -> Iterator[Handle]:
        """Share the gate, and yield the handle of the data file that is now in the folder."""
        while True:
            self._follow()  # before the gate: `_before_fork` acquires `_opening` first
            with self._gate.shared():
                if self._handle:  # otherwise, another thread could not open the new file
                    yield self._handle
                    return

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[tuple[lmdb.Transaction, Handle]]:
        """Begin a transaction, and yield it with its handle.

        It is committed at the end of the `with` block, or aborted after an error. `reading` and
        `write` are for values; this is for what concerns the file as a whole.

        Raises:
            StoreError: The store was moved or deleted, LMDB cannot use it, or it has too many
                readers.
        """
        with translate_lmdb_errors(self.path), ExitStack() as held:
            yield self._begin(held, write=write)

    def _begin(self, held: ExitStack, *, write: bool) -> tuple[lmdb.Transaction, Handle]:
        """Share the gate and begin a transaction; both end when `held` is closed."""
        while True:
            handle = held.enter_context(self._using())
            try:
                transaction = held.enter_context(handle.lmdb.begin(write=write, buffers=True))
                # only the process with the write transaction of a file may replace the file
                if not write or handle.is_of(self.folder):
                    return transaction, handle
                held.close()
            except lmdb.ReadersFullError:
                self._free_readers(handle.lmdb)
                held.close()
            except lmdb.MapResizedError:  # another process has grown the file
                held.close()
                self._resize(self._doubled)

    def _free_readers(self, lmdb_environment: lmdb.Environment) -> None:
        """Free the reader slots of dead processes; raise StoreError if there are none."""
        if not lmdb_environment.reader_check():
            raise StoreError(
                f"the store {self.path} has the maximum number of readers "
                f"({lmdb_environment.info()['max_readers']:,}): end some of the processes that "
                "read it"
            )

    def _make_room(self, free_bytes: int) -> None:
        with self._using() as handle:
            enough = handle.required_bytes(free_bytes) <= handle.map_bytes
        if not enough:
            self._resize(lambda now: max(now.required_bytes(free_bytes), self._doubled(now)))

    def _doubled(self, handle: Handle) -> int:
        # Not smaller than the file: on Windows the file has the size of the map, and no process can
        # shorten it while another one maps it. LMDB marks the file as sparse there.
        file = self.folder / DATA_FILE
        present = file.stat().st_size if file.exists() else 0
        return max(2 * handle.map_bytes, present)

    def _resize(self, size: Callable[[Handle], int]) -> None:
        """Set the size of the map while no thread has a transaction."""
        with self._gate.exclusive():
            if self._handle:
                self._handle.lmdb.set_mapsize(size(self._handle))

    def _follow(self) -> None:
        """Open the data file if it was replaced, or if this forked child has not opened it yet."""

        def is_current() -> bool:
            return self._handle is not None and self._handle.is_of(self.folder)

        if not is_current():
            with self._opening:
                if not is_current():
                    if file_identity(self.folder, DATA_FILE) is None:
                        raise StoreError(
                            f"the store {self.path} was moved or deleted: open it again"
                        )
                    self._reopen()

    def _reopen(self) -> None:
        """Open the data file in the folder; `_opening` must be held."""
        with self._gate.exclusive():
            for identity in [key for key, value in self._opened.items() if value is self]:
                del self._opened[identity]
            if self._handle:
                self._handle.lmdb.close()
                self._handle = None
            self.verified.clear()
            self._may_write = False
            # messages name the path that was given, unless the working directory has changed
            is_same = self.path.resolve() == self.folder
            self._handle = open_handle(self.path if is_same else self.folder)
            if self._handle.data:
                self._opened[self._handle.data] = self


def _before_fork() -> None:
    """Wait until no thread has a transaction or opens an environment, and let no new one begin.

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
