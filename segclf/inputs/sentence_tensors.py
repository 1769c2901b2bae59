"""Sentences as tensors: vectors, or words with a table of word vectors."""

from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor


class Words(NamedTuple):
    """Sentences as words.

    Attributes:
        rows: (s, l) int64, the row of the table for each word of each sentence. Sentences are
            padded with the index of the last row.
        table: (u + 1, d) float32, one vector for each of u distinct words, and a last row of zeros
            for the padding.
    """

    rows: Tensor
    table: Tensor


Sentences: TypeAlias = Tensor | Words  # (s, d) float32 vectors, or words


def look_up(vectors: Tensor, table: Tensor | None) -> Sentences:
    """Look up the words of s sentences.

    Args:
        vectors: (s, d) float32 vectors, or (s, l) int32 rows of the table; see `Examples`.
        table: (u + 1, d) float32 word vectors; None for sentence vectors.

    Returns:
        The unchanged vectors if there is no table. Otherwise, the words, with a smaller table of
        the words that occur in these sentences.
    """
    if table is None:
        return vectors
    longest = max(int((vectors >= 0).sum(dim=1).max()), 1)
    rows = vectors[:, :longest].long().remainder(len(table))  # -1 becomes the last row
    occurs = torch.zeros(len(table), dtype=torch.bool, device=table.device)
    occurs[rows] = True
    occurs[-1] = True
    return Words((occurs.cumsum(0) - 1)[rows], table[occurs])
