"""How many threads torch computes with."""

from collections.abc import Iterator
from contextlib import contextmanager

from embedcache.errors import UserError


@contextmanager
def limit_threads(threads: int | None) -> Iterator[None]:
    """Compute with a number of threads, and restore the former number afterwards.

    Args:
        threads: None keeps the number as it is, and does not import torch.

    Raises:
        UserError: the number is below 1.
    """
    if threads is None:
        yield
        return
    if threads < 1:
        raise UserError(f"--threads {threads}: use 1 or more")
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
