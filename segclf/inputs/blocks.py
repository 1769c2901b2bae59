"""Blocks of consecutive sentences in random order, of which training batches consist."""

import numpy as np
from numpy.typing import NDArray


def shuffled_blocks(
    n: int, size: int, blocks: int, random: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Divide n sentences into blocks of consecutive sentences, and shuffle the blocks.

    The order of the blocks and the positions of their edges are random, so the first and the last
    block of the text may have fewer sentences.

    Args:
        n: Number of sentences.
        size: Approximate number of sentences in a batch.
        blocks: Approximate number of blocks in a batch. More blocks mix the sentences better, and
            the windows of sentences in fewer blocks have more sentences in common.
        random: Generator of random numbers.

    Returns:
        For each batch, the first positions of its blocks, which are at least `1 - block_size(size,
        blocks)` and below n.
    """
    length = block_size(size, blocks)
    starts = np.arange(random.integers(-length + 1, 1), n, length)
    random.shuffle(starts)
    count = size // length
    return [starts[first : first + count] for first in range(0, len(starts), count)]


def block_size(size: int, blocks: int) -> int:
    """Return the number of sentences in a block of `shuffled_blocks`."""
    return max(size // blocks, 1)
