"""A lock that many hold together, or one alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SharedLock:
    """Held by any number of threads at once, or by one that excludes all others.

    A thread that asks for exclusion goes before threads that ask to share, so that a steady stream
    of these cannot keep it waiting. The lock is not reentrant.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sharing = 0
        self._exclusive = False

    def acquire_shared(self) -> None:
        """Wait until no thread holds or wants the lock alone, then share it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._exclusive)
            self._sharing += 1

    def release_shared(self) -> None:
        """Give up one share."""
        with self._changed:
            self._sharing -= 1
            self._changed.notify_all()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Share the lock inside a `with` block."""
        self.acquire_shared()
        try:
            yield
        finally:
            self.release_shared()

    def acquire_exclusive(self) -> None:
        """Admit no further thread, and wait until those inside have left."""
        with self._changed:
            self._changed.wait_for(lambda: not self._exclusive)
            self._exclusive = True
            try:
                self._changed.wait_for(lambda: self._sharing == 0)
            except BaseException:
                self._exclusive = False
                self._changed.notify_all()
                raise

    def release_exclusive(self) -> None:
        """Admit the others again."""
        with self._changed:
            self._exclusive = False
            self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the lock alone inside a `with` block."""
        self.acquire_exclusive()
        try:
            yield
        finally:
            self.release_exclusive()
