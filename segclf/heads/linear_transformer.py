"""A Transformer whose attention reaches the whole document at a cost linear in its length."""

import torch
import torch.nn.functional as F
from torch import Tensor

from segclf.heads.document_transformer import DocumentTransformer


class LinearTransformer(DocumentTransformer):
    """Katharopoulos et al. 2020, "Transformers are RNNs"; here each sentence looks both ways."""

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, inside: Tensor) -> Tensor:
        """Attend to the whole document."""
        return linear_attention(queries, keys, values, inside)


def linear_attention(queries: Tensor, keys: Tensor, values: Tensor, inside: Tensor) -> Tensor:
    """Attend from each sentence to all of its document, with weights f(q) . f(k), f = elu + 1.

    The products of keys and values are summed once for all queries: O(l c^2), not O(l^2 c).

    Args:
        queries: (m, l, a, c), of a attention heads.
        keys: likewise.
        values: likewise.
        inside: (m, l) bool, where there is a sentence.

    Returns:
        (m, l, a, c).
    """
    queries = F.elu(queries) + 1
    lengths = inside.sum(dim=1)[:, None, None, None]
    # Means, not sums: their size, and so the rounding, is the same whatever the length.
    keys = (F.elu(keys) + 1) * inside[..., None, None] / lengths
    pairs = torch.einsum("mlac,mlad->macd", keys, values)  # (m, a, c, c)
    mixed = torch.einsum("mlac,macd->mlad", queries, pairs)
    weight = torch.einsum("mlac,mac->mla", queries, keys.sum(dim=1))
    return mixed / (weight[..., None] + 1e-6)
