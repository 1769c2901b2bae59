"""The user's cache folder, for models that are made once from other files."""

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from embedcache.files import publish, scratch_folder


def cached_directory(name: str, write: Callable[[Path], None]) -> Path:
    """Return a folder in the user's cache; the first call creates it.

    If several processes call the function at the same time, one of them writes the content.

    Args:
        name: Name of the folder, different for different content.
        write: Function that writes the content into an empty folder.

    Raises:
        OSError: The folder cannot be written.
        Exception: `write` raised it. The folder is not created.
    """
    directory = user_cache_path("segtool") / "models" / name
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{directory}.lock"):
            if not directory.exists():
                with scratch_folder(directory.parent, directory) as scratch:
                    write(scratch)
                    publish(scratch, directory)
    return directory
