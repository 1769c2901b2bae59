"""A Transformer with sliding-window attention over a whole document."""

import torch
import torch.nn.functional as F
from torch import Tensor

from segclf.heads.document_transformer import DocumentTransformer
from segclf.heads.names import REACH


class LocalTransformer(DocumentTransformer):
    """A Transformer with the sliding-window attention of Longformer (Beltagy et al. 2020).

    There is no global attention. Every layer extends the context by the reach and by the sentences
    that its convolution covers. The attention takes O(n r) time for n sentences and a reach of r.

    Args:
        dim: Length of a sentence vector.
        reach: Maximum distance between two sentences that attend to each other.
    """

    def __init__(self, dim: int, reach: int = REACH) -> None:
        super().__init__(dim)
        self.reach = reach

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, inside: Tensor) -> Tensor:
        """Attend to the sentences within reach."""
        return local_attention(queries, keys, values, inside, self.reach)


def local_attention(
    queries: Tensor, keys: Tensor, values: Tensor, inside: Tensor, reach: int
) -> Tensor:
    """Attend from each sentence to the sentences of its document at distance `reach` or less.

    A document is split into blocks of r = `reach` sentences. A block attends to itself and to the
    two blocks beside it, and a mask excludes sentences beyond the reach. Thus each query has 3r
    keys, and all products are dense.

    Args:
        queries: (m, l, a, c), for `a` attention heads of size c.
        keys: (m, l, a, c).
        values: (m, l, a, c).
        inside: (m, l) bool, False for padding.
        reach: Maximum distance r in sentences.

    Returns:
        (m, l, a, c).
    """
    documents, length, heads, size = queries.shape
    missing = -length % reach

    def around(states: Tensor) -> Tensor:  # (m, l, ...) -> (m * blocks, ..., 3r)
        edge = states.new_zeros(documents, reach, *states.shape[2:])
        padded = torch.cat([edge, states, edge, edge[:, :missing]], dim=1)
        return padded.unfold(1, 3 * reach, reach).flatten(0, 1)

    blocks = torch.cat([queries, queries.new_zeros(documents, missing, heads, size)], dim=1)
    blocks = blocks.view(-1, reach, heads, size).transpose(1, 2)  # (m * blocks, a, r, c)
    distance = torch.arange(-reach, 2 * reach) - torch.arange(reach)[:, None]  # (r, 3r)
    distance = distance.to(queries.device)
    mask = (distance.abs() <= reach) & around(inside)[:, None, None]
    mask = mask | (distance == 0)  # padding attends to itself, as a softmax over no keys is NaN
    mixed = F.scaled_dot_product_attention(
        blocks, around(keys).transpose(2, 3), around(values).transpose(2, 3), attn_mask=mask
    )  # (m * blocks, a, r, c)
    return mixed.transpose(1, 2).reshape(documents, -1, heads, size)[:, :length]
