"""A lock on a folder: several processes may share it, or one process may hold it alone."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from embedcache.errors import UserError

if sys.platform != "win32":
    import fcntl


@contextmanager
def folder_lock(folder: Path, *, exclusive: bool = False, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a folder inside a `with` block.

    The lock needs neither a lock file nor write permission, and the operating system releases it
    when the process dies. On Windows, which cannot lock a folder, the function does nothing.

    Args:
        folder: Existing folder.
        exclusive: Whether to hold the lock alone; otherwise the lock is shared.
        wait: Whether to wait for processes that hold the lock.

    Raises:
        BlockingIOError: Another process holds the lock, and `wait` is False.
        OSError: The folder cannot be opened or locked.
    """
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        fcntl.flock(descriptor, kind | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


@contextmanager
def sole_lock(folder: Path, busy: str) -> Iterator[None]:
    """Hold the lock of a folder alone inside a `with` block, or fail at once.

    Args:
        folder: Existing folder.
        busy: What a process that holds the lock is doing, such as "embedding a corpus", for the
            message.

    Raises:
        UserError: Another process holds the lock.
        OSError: The folder cannot be opened or locked.
    """
    with ExitStack() as held:
        try:
            held.enter_context(folder_lock(folder, exclusive=True, wait=False))
        except BlockingIOError as error:
            raise UserError(
                f"another process is {busy} in {folder}: wait until it has finished"
            ) from error
        yield
