"""A lock for many readers or one writer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SharedLock:
    """A lock that any number of threads share, or that one thread holds exclusively.

    A thread that waits for exclusive access takes precedence over threads that want to share, so it
    does not wait for threads that come later. The lock is not reentrant.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sharing = 0
        self._exclusive = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Share the lock inside a `with` block, once no thread holds or wants it exclusively."""
        with self._changed:
            self._changed.wait_for(lambda: not self._exclusive)
            self._sharing += 1
        try:
            yield
        finally:
            with self._changed:
                self._sharing -= 1
                self._changed.notify_all()

    def acquire_exclusive(self) -> None:
        """Let no further thread share the lock, and wait until no thread shares it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._exclusive)
            try:
                self._exclusive = True
                self._changed.wait_for(lambda: self._sharing == 0)
            except BaseException:
                self._exclusive = False
                self._changed.notify_all()
                raise

    def release_exclusive(self) -> None:
        """Let other threads use the lock again."""
        with self._changed:
            self._exclusive = False
            self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the lock exclusively inside a `with` block."""
        self.acquire_exclusive()
        try:
            yield
        finally:
            self.release_exclusive()
