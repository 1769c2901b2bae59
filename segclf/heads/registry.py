"""Head names and what they mean. A new head is a module beside this one and a line here."""

from collections.abc import Callable

from embedcache import UserError
from segclf.heads.base import Head
from segclf.heads.bilstm import BiLSTM
from segclf.heads.mlp import MLP
from segclf.heads.transformer import Transformer
from segclf.heads.wordlstm import WordLSTM
from segclf.windows import check_window

HEADS: dict[str, Callable[[int, int], Head]] = {
    "mlp": MLP,
    "bilstm": BiLSTM,
    "transformer": Transformer,
    "wordlstm": WordLSTM,
}


def make_head(name: str, dim: int, window: int) -> Head:
    """Make an untrained head.

    Args:
        name: a key of `HEADS`.
        dim: length of a sentence vector.
        window: sentences on each side of a candidate.

    Raises:
        UserError: no such head, or a window below 1.
    """
    if name not in HEADS:
        raise UserError(f"no head {name!r}: choose from {', '.join(HEADS)}")
    check_window(window)
    return HEADS[name](dim, window)
