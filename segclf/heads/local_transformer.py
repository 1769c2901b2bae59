"""A Transformer whose attention reaches w sentences to each side: O(n w)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from segclf.heads.document_transformer import DocumentTransformer


class LocalTransformer(DocumentTransformer):
    """The sliding window of Longformer (Beltagy et al. 2020), without its global attention.

    Each layer reaches as far again.
    """

    window: int

    def __init__(self, dim: int, window: int) -> None:
        super().__init__(dim)
        self.window = window

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, inside: Tensor) -> Tensor:
        """Attend to the sentences at most `window` away."""
        return local_attention(queries, keys, values, inside, self.window)


def local_attention(
    queries: Tensor, keys: Tensor, values: Tensor, inside: Tensor, window: int
) -> Tensor:
    """Attend from each sentence to those of its document that are at most `window` away.

    The document is cut into blocks of `window` sentences. A block attends to itself and to the
    blocks beside it, masked to the reach: 3w keys a query, and dense products only.

    Args:
        queries: (m, l, a, c), of a attention heads.
        keys: likewise.
        values: likewise.
        inside: (m, l) bool, where there is a sentence.
        window: reach w.

    Returns:
        (m, l, a, c).
    """
    documents, length, heads, size = queries.shape
    spare = -length % window

    def around(x: Tensor) -> Tensor:  # (m, l, ...) -> (m * blocks, ..., 3w)
        edge = x.new_zeros(documents, window, *x.shape[2:])
        padded = torch.cat([edge, x, edge, edge[:, :spare]], dim=1)
        return padded.unfold(1, 3 * window, window).flatten(0, 1)

    blocks = torch.cat([queries, queries.new_zeros(documents, spare, heads, size)], dim=1)
    blocks = blocks.view(-1, window, heads, size).transpose(1, 2)  # (m * blocks, a, w, c)
    distance = torch.arange(-window, 2 * window) - torch.arange(window)[:, None]  # (w, 3w)
    distance = distance.to(queries.device)
    seen = (distance.abs() <= window) & around(inside)[:, None, None]
    seen = seen | (distance == 0)  # padding sees itself: a softmax over nothing is no number
    mixed = F.scaled_dot_product_attention(
        blocks, around(keys).transpose(2, 3), around(values).transpose(2, 3), attn_mask=seen
    )  # (m * blocks, a, w, c)
    return mixed.transpose(1, 2).reshape(documents, -1, heads, size)[:, :length]
