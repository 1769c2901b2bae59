"""Writes files and folders atomically, even if the power fails.

New content is written to a scratch folder beside its destination, synced to disk and then renamed.
The process that writes a scratch folder holds a file lock in it. The operating system releases the
lock when the process dies, so a scratch folder whose lock is free is abandoned and may be removed.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from embedcache.errors import UserError

_SCRATCH = ".scratch"
_LOCK = "lock"


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file atomically.

    Args:
        path: Path of the file. Its folder is created if it is missing; symbolic links are followed.
        write: Function that writes the content to the path that it is given.

    Raises:
        OSError: The file or its folder cannot be written. If the error is about a scratch file, its
            `filename` is the path instead.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(path.parent, path) as scratch:
        write(scratch / path.name)
        publish(scratch / path.name, path)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically, or write directly to a device or a named pipe."""
    if path.exists() and not path.is_file():  # for example /dev/stdout
        with _named_failures(path):
            path.write_bytes(data)
    else:
        write_file(path, lambda scratch: scratch.write_bytes(data))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as `write_bytes` does; line breaks are not converted."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Any, *, indent: int | None = None) -> None:  # noqa: ANN401
    """Write content as JSON, as `write_text` does."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=indent))


def new_path(path: Path, what: str) -> Path:
    """Return the absolute path of a file or folder to write, and create its parent folder.

    Args:
        path: Path to write.
        what: Description of the path in the message, such as "folder for the backup".

    Raises:
        UserError: The path exists.
        OSError: The parent folder cannot be created.
    """
    path = path.absolute()
    if os.path.lexists(path):
        raise UserError(f"{path} exists: choose a new {what}")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def scratch_folder(parent: Path, destination: Path | None = None) -> Iterator[Path]:
    """Create an empty folder, which is removed at the end of the `with` block.

    Scratch folders that killed processes have left in the parent are removed too.

    Args:
        parent: Existing folder in which the scratch folder is created.
        destination: Path that will be written, for error messages; None for the parent.

    Yields:
        Path of the empty folder.

    Raises:
        OSError: The parent cannot be written to. The error's `filename` is the destination, also if
            the `with` block raises an error that names a scratch file or no file.
    """
    with _named_failures(destination or parent, scratch_parent=parent):
        remove_abandoned(parent)
        folder, lock = _locked_folder(parent)
        try:
            content = folder / "content"
            content.mkdir()
            yield content
        finally:
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _named_failures(destination: Path, scratch_parent: Path | None = None) -> Iterator[None]:
    """Put the destination into errors that name no file, or name a file in a scratch folder."""
    hidden = os.path.join(scratch_parent, ".") if scratch_parent else None
    try:
        yield
    except OSError as error:
        is_scratch = hidden is not None and str(error.filename).startswith(hidden)
        if error.errno is None or (error.filename is not None and not is_scratch):
            raise
        raise OSError(error.errno, error.strerror, str(destination)) from error


def publish(content: Path, path: Path) -> None:
    """Sync a file, or a folder of files, to disk, and rename it to its final path.

    Args:
        content: File or folder in a scratch folder on the same disk.
        path: Final path. A file is replaced; a folder must be missing or empty.

    Raises:
        OSError: The path is a folder that is not empty, or the content cannot be synced or renamed.
    """
    for file in (content, *content.rglob("*")):
        _sync(file)
    os.replace(content, path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to disk."""
    if not path.is_dir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    elif os.name != "nt":  # Windows cannot open a folder
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _locked_folder(parent: Path) -> tuple[Path, FileLock]:
    """Create and lock a scratch folder; try again if another process removes it before the lock."""
    while True:
        folder = parent / f".{uuid4().hex}{_SCRATCH}"
        folder.mkdir()
        lock = FileLock(folder / _LOCK)
        with suppress(FileNotFoundError, FileExistsError):  # FileLock creates a missing folder
            lock.acquire()
            if (folder / _LOCK).exists():
                return folder, lock
        lock.release()


def abandoned_folders(parent: Path) -> list[Path]:
    """List the scratch folders that killed processes have left in a folder."""
    found = []
    for folder in sorted(parent.glob(f".*{_SCRATCH}")):
        with suppress(Timeout, OSError):  # in use, or owned by another user
            with FileLock(folder / _LOCK, timeout=0):
                pass
            found.append(folder)
    return found


def remove_abandoned(parent: Path) -> None:
    """Remove the scratch folders that killed processes have left in a folder.

    A folder is removed while its lock is held: another process may have created it just now, and
    would lock it after it was found abandoned.
    """
    for folder in parent.glob(f".*{_SCRATCH}"):
        with suppress(Timeout, OSError), FileLock(folder / _LOCK, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
        if os.name == "nt":  # Windows does not remove an open file
            shutil.rmtree(folder, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder atomically: it is renamed before its files are removed."""
    with scratch_folder(path.parent, path) as scratch:
        os.replace(path, scratch / path.name)


def size_of(path: Path) -> int:
    """Return the number of bytes in a file, or in all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
