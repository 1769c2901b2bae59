"""The number of threads of a computation."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from embedcache.encoders.processor import available_cores
from embedcache.errors import UserError

_MAX_THREADS = 4096  # a process that asks for more threads than the system can start aborts

_lock = threading.Lock()
_numbers: list[int] = []  # torch's number before the first `with` block, then that of each block


def check_threads(threads: int | None) -> int:
    """Return a number of threads, by default the number of cores that this process may use.

    Raises:
        UserError: The number is below 1 or above 4096.
    """
    if threads is None:
        return available_cores()
    if threads < 1:
        raise UserError(f"--threads {threads}: use 1 or more")
    if threads > _MAX_THREADS:
        raise UserError(f"--threads {threads}: use {_MAX_THREADS} or fewer")
    return threads


@contextmanager
def limit_threads(threads: int | None) -> Iterator[None]:
    """Set the number of torch's threads inside a `with` block, and restore it afterwards.

    Blocks may be nested, and several threads may be in such blocks at the same time. The last one
    to leave its block restores the number.

    Args:
        threads: Number of threads; None to keep the number. torch is then not imported.

    Raises:
        UserError: The number is below 1 or above 4096.
    """
    if threads is None:
        yield
        return
    check_threads(threads)
    import torch

    with _lock:
        earlier = torch.get_num_threads()
        torch.set_num_threads(threads)  # first, because it may fail
        if not _numbers:
            _numbers.append(earlier)
        _numbers.append(threads)
    try:
        yield
    finally:
        with _lock:
            # another thread may have begun a block after this one
            del _numbers[len(_numbers) - 1 - _numbers[::-1].index(threads)]
            torch.set_num_threads(_numbers[-1])
            if len(_numbers) == 1:
                _numbers.clear()
