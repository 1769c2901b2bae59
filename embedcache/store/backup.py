"""Copies a store to a new folder while other processes write to it."""

from pathlib import Path

from embedcache.files import new_path, publish, scratch_folder
from embedcache.store.commits import DATA_FILE, check_commits, record_commits
from embedcache.store.environment import Environment


def back_up(path: Path, destination: Path) -> int:
    """Copy a store as it is after its last commit, without free pages.

    The copy is a store. It gets its name when it is complete, so a process that is killed leaves no
    incomplete copy. Damaged values are copied as they are.

    Args:
        path: Folder of the store. Other processes may read and write it.
        destination: Folder of the copy, which must not exist; its parent is created if needed.

    Returns:
        Size of the copy's data file in bytes.

    Raises:
        UserError: The destination exists.
        StoreError: The store is missing or cannot be read, its pages are damaged, or the disk is
            full.
        OSError: The destination cannot be written.
    """
    environment = Environment.open(path)
    destination = new_path(destination, "folder for the backup")
    with scratch_folder(destination.parent, destination) as folder:
        check_commits(environment.folder, to_write=True)  # LMDB needs a sound list of free pages
        environment.copy(folder)
        record_commits(folder)
        size = (folder / DATA_FILE).stat().st_size
        publish(folder, destination)
    return size
