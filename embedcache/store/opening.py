"""Opens LMDB files: read-only if they cannot be written, and only if they are complete."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmdb

from embedcache.errors import StoreError

_INITIAL_MAP_BYTES = 1 << 26
_MAX_READERS = 1024
_DENIED = {5, 19} if sys.platform == "win32" else {errno.EACCES, errno.EPERM, errno.EROFS}
_FILE_ERRORS = (  # caused by the file or its disk, not by this code
    lmdb.CorruptedError,
    lmdb.DiskError,
    lmdb.InvalidError,
    lmdb.PageNotFoundError,
    lmdb.ReadonlyError,
    lmdb.VersionMismatchError,
)
_FILE_ERROR_NAMES = tuple(f"{error.__module__}.{error.__name__}" for error in _FILE_ERRORS)
_READ_ALL_PAGES = """
import sys, lmdb
with lmdb.open(sys.argv[1], readonly=True, lock=sys.argv[2] == "lock") as environment:
    with environment.begin(buffers=True) as transaction:
        for _, value in transaction.cursor():
            bytes(value[-1:])
"""


@dataclass(frozen=True)
class Handle:
    """An open LMDB environment.

    Attributes:
        lmdb: LMDB environment.
        read_only: Whether this process cannot write the file.
        without_lock: Whether this process cannot write the lock file either. If so, writers do not
            know that it is reading.
    """

    lmdb: lmdb.Environment
    read_only: bool = False
    without_lock: bool = False


def open_handle(folder: Path) -> Handle:
    """Open the LMDB environment in a folder; create it if it is missing.

    Raises:
        StoreError: The environment is invalid or incomplete, or it cannot be opened or created.
    """
    with translate_lmdb_errors(folder):
        handle = _open_writable_if_possible(folder)
        try:
            handle.lmdb.reader_check()  # frees the slots of dead processes
            _check_size(folder, handle)
        except BaseException:
            handle.lmdb.close()
            raise
        return handle


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
    file = folder / "data.mdb"
    file_bytes = file.stat().st_size if file.exists() else 0
    options: dict[str, Any] = {
        # On Windows LMDB gives the file the size of the map, and no process can shorten a file that
        # another one has mapped. So the map must not be smaller than the file.
        "map_size": max(_INITIAL_MAP_BYTES, file_bytes),
        "max_readers": _MAX_READERS,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Handle(lmdb.open(os.fspath(folder), **options))
    except OSError as error:
        raise StoreError(f"the store {folder} cannot be created: {error.strerror}") from error
    except lmdb.Error as error:
        if error.code not in _DENIED or not file_bytes:
            raise
    try:
        return Handle(lmdb.open(os.fspath(folder), readonly=True, **options), read_only=True)
    except lmdb.Error as error:
        if error.code not in _DENIED:
            raise
    unlocked = lmdb.open(os.fspath(folder), readonly=True, lock=False, **options)
    return Handle(unlocked, read_only=True, without_lock=True)


def _check_size(folder: Path, handle: Handle) -> None:
    """Check that the file has all pages in use, because reading a missing one kills the process.

    A file that is too short to hold the last page that LMDB has allocated may still be complete,
    because LMDB does not write a page that a transaction adds at the end and then frees. If a file
    is too short, a child process therefore tries to read all pages in use.

    Raises:
        StoreError: Pages in use are missing, or the child process cannot find out.
    """
    needed = (handle.lmdb.info()["last_pgno"] + 1) * handle.lmdb.stat()["psize"]
    if (folder / "data.mdb").stat().st_size >= needed:
        return
    lock = "no lock" if handle.without_lock else "lock"
    command = [sys.executable, "-c", _READ_ALL_PAGES, os.fspath(folder), lock]
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
        f"the store {folder} is damaged: the end of its file is missing; delete the store "
        "and embed again"
    )
