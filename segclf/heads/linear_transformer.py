"""A Transformer with linear attention over a whole document."""

import torch
import torch.nn.functional as F
from torch import Tensor

from segclf.heads.document_transformer import DocumentTransformer


class LinearTransformer(DocumentTransformer):
    """A Transformer with linear attention (Katharopoulos et al. 2020), in both directions."""

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, inside: Tensor) -> Tensor:
        """Attend to the whole document."""
        return linear_attention(queries, keys, values, inside)


def linear_attention(queries: Tensor, keys: Tensor, values: Tensor, inside: Tensor) -> Tensor:
    """Attend from each sentence to its whole document.

    The weight of a key k for a query q is f(q) . f(k) with f(x) = elu(x) + 1, divided by the sum of
    the weights.

    The products of keys and values are summed once for all queries, in O(l c^2) instead of
    O(l^2 c).

    Args:
        queries: (m, l, a, c), for `a` attention heads of size c.
        keys: (m, l, a, c).
        values: (m, l, a, c).
        inside: (m, l) bool, False for padding.

    Returns:
        (m, l, a, c).
    """
    queries = F.elu(queries) + 1
    lengths = inside.sum(dim=1)[:, None, None, None]
    # means instead of sums, so that the rounding error does not grow with the length
    keys = (F.elu(keys) + 1) * inside[..., None, None] / lengths
    pairs = torch.einsum("mlac,mlad->macd", keys, values)  # (m, a, c, c)
    mixed = torch.einsum("mlac,macd->mlad", queries, pairs)
    weight = torch.einsum("mlac,mac->mla", queries, keys.sum(dim=1))
    return mixed / (weight[..., None] + 1e-6)
