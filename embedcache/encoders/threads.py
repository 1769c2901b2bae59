"""The number of threads of a computation."""

from collections.abc import Iterator
from contextlib import contextmanager

from embedcache.encoders.processor import available_cores
from embedcache.errors import UserError


def check_threads(threads: int | None) -> int:
    """Return a number of threads, by default the number of cores that this process may use.

    Raises:
        UserError: The number is below 1.
    """
    if threads is None:
        return available_cores()
    if threads < 1:
        raise UserError(f"--threads {threads}: use 1 or more")
    return threads


@contextmanager
def limit_threads(threads: int | None) -> Iterator[None]:
    """Set the number of torch's threads inside a `with` block, and restore it afterwards.

    Args:
        threads: Number of threads; None to keep the number. torch is then not imported.

    Raises:
        UserError: The number is below 1.
    """
    if threads is None:
        yield
        return
    check_threads(threads)
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
