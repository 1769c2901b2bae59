"""A lock on a folder, which several processes may share or one process may hold exclusively."""

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
        exclusive: Whether the lock is exclusive; otherwise it is shared.
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
def sole_lock(folder: Path, activity: str) -> Iterator[None]:
    """Hold the lock of a folder exclusively inside a `with` block, or fail immediately.

    Args:
        folder: Existing folder.
        activity: What the process that holds the lock is doing, for the message, such as
            "embedding a corpus".

    Raises:
        UserError: Another process holds the lock.
        OSError: The folder cannot be opened or locked.
    """
    with ExitStack() as held:
        try:
            held.enter_context(folder_lock(folder, exclusive=True, wait=False))
        except BlockingIOError as error:
            raise UserError(
                f"another process is {activity} in {folder}: wait until it has finished"
            ) from error
        yield
