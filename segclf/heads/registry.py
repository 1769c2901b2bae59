"""Heads by name.

To add a head, add a module to this package, its name to `segclf.heads.names` and a line here.
"""

from collections.abc import Callable

from segclf.heads.base import BaseHead, Head
from segclf.heads.bilstm import BiLSTM
from segclf.heads.document import DocumentHead
from segclf.heads.document_bilstm import DocumentBiLSTM
from segclf.heads.linear_transformer import LinearTransformer
from segclf.heads.local_transformer import LocalTransformer
from segclf.heads.mlp import MLP
from segclf.heads.names import WINDOW
from segclf.heads.transformer import Transformer
from segclf.heads.wordlstm import WordLSTM

WINDOW_HEADS: dict[str, Callable[[int, int], Head]] = {
    "mlp": MLP,
    "bilstm": BiLSTM,
    "transformer": Transformer,
    "wordlstm": WordLSTM,
}

DOCUMENT_HEADS: dict[str, Callable[[int], DocumentHead]] = {
    "document-bilstm": DocumentBiLSTM,
    "local-transformer": LocalTransformer,
    "linear-transformer": LinearTransformer,
}


def make_head(
    name: str, dim: int, *, window: int | None = None, reach: int | None = None
) -> BaseHead:
    """Make an untrained head.

    Args:
        name: A key of `WINDOW_HEADS` or `DOCUMENT_HEADS`.
        dim: Length of a sentence vector, or of a word vector.
        window: Number of sentences on each side of a candidate; None for the default. Document
            heads ignore it.
        reach: Reach of the attention of local-transformer; None for the default. Other heads ignore
            it.

    Raises:
        KeyError: There is no such head.
    """
    if name in WINDOW_HEADS:
        return WINDOW_HEADS[name](dim, WINDOW if window is None else window)
    if name == "local-transformer" and reach is not None:
        return LocalTransformer(dim, reach)
    return DOCUMENT_HEADS[name](dim)
