"""Folders of models in the user's cache folder."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path


def cached_directory(name: str, write: Callable[[Path], object]) -> Path:
    """Return a folder of the user's cache; the first call creates it.

    Args:
        name: Name of the folder, different for different content.
        write: Function that writes the content into an empty folder. Only one process calls it
            at a time.
    """
    directory = user_cache_path("segtool") / "models" / name
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{directory}.lock"):
            if not directory.exists():
                _make(directory, write)
    return directory


def _make(directory: Path, write: Callable[[Path], object]) -> None:
    scratch = directory.with_name(f".{directory.name}.partial")
    shutil.rmtree(scratch, ignore_errors=True)  # left by a killed process
    scratch.mkdir()
    try:
        write(scratch)
        os.replace(scratch, directory)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
