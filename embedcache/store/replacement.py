"""Replaces the data file of an environment atomically, while other processes use it.

No commit is lost: the write transaction of the old file is held until the new one is in its place.
A writer that waits for it, in any process, then finds that its file was replaced, and opens the new
one. Readers do so in their next transaction; until then, they keep their snapshot of the old file,
to which no process writes any more.

The lock file is replaced first, by an empty one, because LMDB would otherwise take the number of
the last commit from the old lock file. If the process is killed before it replaces the data file,
the old data remains in use. Writers then find that their lock file was replaced and open the new
one, and a reader whose snapshot a writer may have overwritten raises an error.

Earlier versions of this package do not check whether the file was replaced, so they must not use
the store at the same time.
"""

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import lmdb

from embedcache.errors import StoreError
from embedcache.files import publish, scratch_folder
from embedcache.folder_lock import folder_lock
from embedcache.store.commits import DATA_FILE, forget_commits, record_commits
from embedcache.store.environment import Environment
from embedcache.store.opening import LOCK_FILE, Handle

Result = TypeVar("Result")


def replace(
    environment: Environment, write: Callable[[Handle, lmdb.Transaction, Path], Result]
) -> Result:
    """Replace the data file of an environment; see the docstring of this module.

    Args:
        environment: Environment, which uses the new file from the next transaction on.
        write: Function that writes the new data file. Its arguments are the handle of the
            old one, a write transaction in which it only reads, and an empty folder for the new
            file.

    Returns:
        The result of the function.

    Raises:
        StoreError: The environment is read-only, LMDB cannot use the old file or write the new one,
            or the system is Windows.
        OSError: The folder cannot be written.
    """
    if sys.platform == "win32":
        raise StoreError(
            "Windows cannot replace a file that is in use: write a backup, end all processes "
            "that use the store, and put the backup in its place"
        )
    environment.check_writable()
    with (
        scratch_folder(environment.folder) as scratch,
        environment.transaction(write=True) as (transaction, handle),
    ):
        result = write(handle, transaction, scratch)
        (scratch / LOCK_FILE).touch()
        for name in (DATA_FILE, LOCK_FILE):
            _copy_permissions(environment.folder / name, scratch / name)
        with folder_lock(environment.folder, exclusive=True):
            forget_commits(environment.folder)
            for name in (LOCK_FILE, DATA_FILE):
                publish(scratch / name, environment.folder / name)
        record_commits(environment.folder)
    return result


def _copy_permissions(source: Path, target: Path) -> None:
    """Copy the permissions of a file and, if this process may do so, its owner and group."""
    shutil.copymode(source, target)
    status = source.stat()
    with suppress(PermissionError):
        os.chown(target, status.st_uid, status.st_gid)
