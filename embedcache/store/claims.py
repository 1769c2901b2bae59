"""Claims on sentences, with which parallel writers of a space share the work.

Each sentence is encoded by one writer. A writer has two files in the folder `claims/FINGERPRINT` of
the store: one that it keeps locked, and one with the ids of the sentences that it has claimed but
not yet committed. When a writer dies, the operating system releases its lock, and its claims are
invalid. A second lock, which a writer holds for milliseconds, makes it one atomic step to read the
claims of the others and to write its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from embedcache.errors import StoreError
from embedcache.ids import Ids
from embedcache.store import index

_ALIVE, _CLAIMED = ".alive", ".claimed"
_POLL_SECONDS = 0.005


class Claims:
    """The claims of one writer on sentences of a space.

    Claim a sentence before looking it up in the store. Another writer that does not fail gives up
    its claim only after it has committed the vector, so either the claim or the vector is found.

    Args:
        store: Folder of the store.
        fingerprint: Fingerprint of the space.
    """

    def __init__(self, store: Path, fingerprint: str) -> None:
        self._folder = store / "claims" / fingerprint
        self._alive_file = self._folder / f"{uuid4().hex}{_ALIVE}"
        self._claimed_file = self._alive_file.with_suffix(_CLAIMED)
        self._alive = FileLock(self._alive_file)
        self._turn = FileLock(self._folder / "turn", poll_interval=_POLL_SECONDS)
        self._claimed: list[Ids] = []

    def take(self, ids: Ids) -> NDArray[np.bool_]:
        """Claim sentences that no other writer has claimed.

        Args:
            ids: (n, 2) uint64 ids of the sentences.

        Returns:
            (n,) bool, True for the sentences that this call has claimed.

        Raises:
            StoreError: The folder of the claims cannot be written.
        """
        if not self._alive.is_locked:
            self._start()
        with self._turn:
            free = ~index.among(ids, self._claims_of_others())
            self._claimed.append(ids[free])
            content = b"".join([part.tobytes() for part in self._claimed])
            with self._named_failures():
                self._claimed_file.write_bytes(content)
        return free

    def forget(self) -> None:
        """Give up all claims after a commit.

        Other writers see this when this writer next calls `take` or `close`.
        """
        self._claimed.clear()

    def close(self) -> None:
        """Give up all claims and remove the files of this writer, and of writers that have died."""
        with suppress(OSError):  # the folder is read-only
            if any(self._folder.glob(f"*{_ALIVE}")):
                with self._turn:
                    self._claims_of_others()
        if self._alive.is_locked:
            with self._turn:
                self._claimed_file.unlink(missing_ok=True)
                self._alive.release()
                self._alive_file.unlink(missing_ok=True)

    def _start(self) -> None:
        with self._named_failures():
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._turn:
                self._alive.acquire()

    @contextmanager
    def _named_failures(self) -> Iterator[None]:
        """Raise StoreError, with the name of the folder, for a file system error."""
        try:
            yield
        except OSError as error:
            raise StoreError(f"{self._folder} cannot be written: {error.strerror}") from error

    def _claims_of_others(self) -> Ids:
        """Return the ids (n, 2) that other writers have claimed; remove files of dead writers."""
        found = [np.empty((0, 2), dtype=np.uint64)]
        for alive_file in self._folder.glob(f"*{_ALIVE}"):
            if alive_file == self._alive_file:
                continue
            claimed_file = alive_file.with_suffix(_CLAIMED)
            if not _is_held(alive_file):  # its writer has died
                claimed_file.unlink(missing_ok=True)
                alive_file.unlink(missing_ok=True)  # on Windows, releasing the lock removes it
            elif claimed_file.exists():
                found.append(np.fromfile(claimed_file, dtype=np.uint64).reshape(-1, 2))
        return np.concatenate(found)


def _is_held(lock: Path) -> bool:
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
