"""Files with a single flipped bit."""

from collections.abc import Iterator
from pathlib import Path


def flip_bits(path: Path, step: int) -> Iterator[int]:
    """Flip every `step`-th bit of a file in turn, and yield its number while it is flipped."""
    content = path.read_bytes()
    for bit in range(0, 8 * len(content), step):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        yield bit
    path.write_bytes(content)
