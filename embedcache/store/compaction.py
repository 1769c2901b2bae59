"""Rewrites the file of a store, leaving out its free pages, while other processes use it."""

from pathlib import Path

import lmdb

from embedcache.store.commits import DATA_FILE, check_commits
from embedcache.store.environment import Environment
from embedcache.store.opening import Handle, copy_data
from embedcache.store.replacement import replace


def compact(path: Path) -> tuple[int, int]:
    """Rewrite the file of a store without its free pages, and replace the old file atomically.

    If the process is killed, either the old file or the new one is in place. Other processes may
    use the store; those that write wait. See `embedcache.store.replacement`.

    Args:
        path: Folder of the store. Its disk needs room for the new file beside the old one.

    Returns:
        Size of the file in bytes, before and after.

    Raises:
        StoreError: The store is missing or read-only, it cannot be read, its pages are damaged, the
            disk is full, or the system is Windows.
        OSError: The folder cannot be written.
    """
    environment = Environment.open(path)

    def write(old: Handle, _: lmdb.Transaction, folder: Path) -> tuple[int, int]:
        check_commits(environment.folder, to_write=True)  # LMDB needs a sound list of free pages
        copy_data(old.lmdb, folder)
        before, after = ((place / DATA_FILE).stat().st_size for place in (path, folder))
        return before, after

    return replace(environment, write)
