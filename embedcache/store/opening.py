"""Opens LMDB files: read-only if they cannot be written, and only if they are complete.

An LMDB environment consists of two files: the data, and a lock file with which processes
coordinate. A process may replace the data with a new file; see `embedcache.store.replacement`.
A process that opens the files holds a shared lock on the folder, and one that replaces them holds
an exclusive lock, so that no process opens the data of one environment with the lock file of
another.
"""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lmdb

from embedcache.errors import StoreError
from embedcache.folder_lock import folder_lock
from embedcache.store.commits import DATA_FILE, check_commits

LOCK_FILE = "lock.mdb"

_INITIAL_MAP_BYTES = 1 << 26
_MAX_READERS = 1024
_DENIED = {5, 19} if sys.platform == "win32" else {errno.EACCES, errno.EPERM, errno.EROFS}
_FILE_ERRORS = (  # caused by the file or its disk, not by this code
    lmdb.CorruptedError,
    lmdb.DiskError,
    lmdb.InvalidError,
    lmdb.MemoryError,
    lmdb.PageNotFoundError,
    lmdb.ReadonlyError,
    lmdb.VersionMismatchError,
)
_FILE_ERROR_NAMES = tuple(f"{error.__module__}.{error.__name__}" for error in _FILE_ERRORS)
_READ_ALL_PAGES = """
import sys, lmdb
try:
    environment = lmdb.open(sys.argv[1], readonly=True)
except lmdb.Error:  # the lock file cannot be written
    environment = lmdb.open(sys.argv[1], readonly=True, lock=False)
with environment:
    with environment.begin(buffers=True) as transaction:
        for key, value in transaction.cursor():  # the cursor reads a byte of every page
            bytes(key), bytes(value[-1:])
"""


FileIdentity = tuple[int, int]
"""Device and inode numbers of a file."""


@dataclass(frozen=True)
class Handle:
    """An open LMDB environment.

    Attributes:
        lmdb: LMDB environment.
        data: Identity of the data file; None if it is missing.
        lock: Identity of the lock file; None if there is none, or if it is not used.
        read_only: Whether this process cannot write the data file.
        without_lock: Whether this process cannot write the lock file either. If so, writers do not
            know that it is reading.
    """

    lmdb: lmdb.Environment
    data: FileIdentity | None
    lock: FileIdentity | None
    read_only: bool = False
    without_lock: bool = False

    @property
    def map_bytes(self) -> int:
        """Size of the memory map in bytes, which the data cannot exceed."""
        return int(self.lmdb.info()["map_size"])

    def required_bytes(self, free_bytes: int) -> int:
        """Return the size in bytes of a map with room for `free_bytes` after the present pages."""
        page_bytes = int(self.lmdb.stat()["psize"])
        pages = int(self.lmdb.info()["last_pgno"]) + 1
        return (pages + -(-free_bytes // page_bytes)) * page_bytes

    def is_of(self, folder: Path) -> bool:
        """Return whether a folder still has the files that were opened."""
        return self._has_lock_of(folder) and self.data == file_identity(folder, DATA_FILE)

    def is_unknown_to_writers(self, folder: Path) -> bool:
        """Return whether processes may write the data in a folder without knowing of this reader.

        This is the case if the lock file is not used, or if there is another one for the same data.
        """
        if self.without_lock or self._has_lock_of(folder):
            return self.without_lock
        with folder_lock(folder):  # a process that replaces the files may have replaced only one
            return self.data == file_identity(folder, DATA_FILE)

    def _has_lock_of(self, folder: Path) -> bool:
        return self.without_lock or self.lock == file_identity(folder, LOCK_FILE)


def file_identity(folder: Path, name: str) -> FileIdentity | None:
    """Return the device and inode numbers of a file; None if it is missing.

    A later file of the same name has other numbers as long as the earlier one is open.
    """
    try:
        status = os.stat(f"{folder}{os.sep}{name}")  # several times faster than `Path.stat`
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def open_handle(folder: Path) -> Handle:
    """Open the LMDB environment in a folder; create it if it is missing.

    Raises:
        StoreError: The environment is damaged or incomplete, or it cannot be opened or created.
    """
    try:
        os.fspath(folder).encode()
    except UnicodeEncodeError as error:
        raise StoreError(
            f"the store {folder} cannot be opened: LMDB requires a path in UTF-8, so rename the "
            "folder or use another"
        ) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the store {folder} cannot be created: {error.strerror}") from error
    with folder_lock(folder), translate_lmdb_errors(folder):
        check_commits(folder)  # before LMDB, which trusts its pages
        handle = _open_writable_if_possible(folder)
        handle.lmdb.reader_check()  # frees the slots of dead processes
        return handle


def missing_store(path: Path) -> StoreError:
    """Return the error for a store that does not exist."""
    return StoreError(f"there is no embedding store at {path}: embed a corpus first")


def copy_data(
    source: lmdb.Environment, folder: Path, snapshot: lmdb.Transaction | None = None
) -> None:
    """Copy the data of an LMDB environment, without free pages, to a new file in a folder.

    Args:
        source: LMDB environment.
        folder: Folder for the file.
        snapshot: Read transaction whose data are copied; None for the last commit.

    Raises:
        StoreError: LMDB cannot read the data or write the file.
    """
    try:
        source.copy(os.fspath(folder), compact=True, txn=snapshot)
    except lmdb.Error as error:  # if the disk is full, it may be of any class
        raise StoreError(
            f"the store cannot be copied, perhaps because the disk is full: {error}"
        ) from error


@contextmanager
def translate_lmdb_errors(folder: Path) -> Iterator[None]:
    """Raise StoreError for LMDB errors about the file or its disk."""
    try:
        yield
    except lmdb.Error as error:
        # system errors, such as an exceeded quota, have no class of their own in LMDB
        if type(error) is not lmdb.Error and not isinstance(error, _FILE_ERRORS):
            raise
        raise StoreError(f"the store {folder} cannot be used: {error}") from error


def _open_writable_if_possible(folder: Path) -> Handle:
    file = folder / DATA_FILE
    file_bytes = file.stat().st_size if file.exists() else 0

    def opened(*, read_only: bool = False, without_lock: bool = False) -> Handle:
        environment = lmdb.open(
            os.fspath(folder),
            # On Windows LMDB gives the file the size of the map, and no process can shorten a file
            # that another one has mapped. So the map must not be smaller than the file.
            map_size=max(_INITIAL_MAP_BYTES, file_bytes),
            max_readers=_MAX_READERS,
            readonly=read_only,
            lock=not without_lock,
        )
        lock = None if without_lock else file_identity(folder, LOCK_FILE)
        data = file_identity(folder, DATA_FILE)
        return Handle(environment, data, lock, read_only, without_lock)

    try:
        return opened()
    except lmdb.Error as error:
        if error.code not in _DENIED or not file_bytes:
            raise
    try:
        return opened(read_only=True)
    except lmdb.Error as error:
        if error.code not in _DENIED:
            raise
    return opened(read_only=True, without_lock=True)


def check_pages(folder: Path) -> None:
    """Check, in a child process, that LMDB can read all pages of values.

    A process is killed if it reads a mapped page that the disk cannot read.

    Args:
        folder: Folder of the environment.

    Raises:
        StoreError: LMDB cannot read all pages, or the child process fails for another reason.
    """
    command = [sys.executable, "-c", _READ_ALL_PAGES, os.fspath(folder)]
    with folder_lock(folder):  # the child opens the environment
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="replace", check=False
        )
    if done.returncode == 0:
        return
    last_line = done.stderr.strip().rpartition("\n")[2]
    # an exception gives status 1; a process that reads a missing page is ended by a signal
    if done.returncode == 1 and not last_line.startswith(_FILE_ERROR_NAMES):
        raise StoreError(f"the store {folder} cannot be checked: {last_line}")
    raise StoreError(
        f"the store {folder} is damaged: LMDB cannot read all of its pages; replace it with a "
        "backup, or delete it and embed again"
    )
