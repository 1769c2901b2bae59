"""Names of heads. To add a head, add a module to this package and a line here."""

from collections.abc import Callable
from typing import Literal

from embedcache import UserError
from segclf.heads.base import BaseHead, Head
from segclf.heads.bilstm import BiLSTM
from segclf.heads.document import DocumentHead
from segclf.heads.document_bilstm import DocumentBiLSTM
from segclf.heads.linear_transformer import LinearTransformer
from segclf.heads.local_transformer import LocalTransformer
from segclf.heads.mlp import MLP
from segclf.heads.transformer import Transformer
from segclf.heads.wordlstm import WordLSTM
from segclf.inputs.windows import check_window

Context = Literal["window", "document"]

DEFAULT_HEADS: dict[Context, str] = {"window": "mlp", "document": "document-bilstm"}
WINDOW = 4  # default number of sentences on each side
REACH = 32  # default reach of the attention of local-transformer

HEADS: dict[str, Callable[[int, int], Head]] = {
    "mlp": MLP,
    "bilstm": BiLSTM,
    "transformer": Transformer,
    "wordlstm": WordLSTM,
}

DOCUMENT_HEADS: dict[str, Callable[[int], DocumentHead]] = {
    "document-bilstm": DocumentBiLSTM,
    "local-transformer": lambda dim: LocalTransformer(dim, REACH),
    "linear-transformer": LinearTransformer,
}


def resolve_head(name: str | None, context: Context | None = None) -> tuple[str, Context]:
    """Find a head by its name, by what it reads, or both.

    Args:
        name: A key of `HEADS` or `DOCUMENT_HEADS`; None for the default head of the context.
        context: "window" for a head on windows, "document" for a head on documents; None for
            either.

    Returns:
        Name and context of the head.

    Raises:
        UserError: There is no such head or context, or the head has another context.
    """
    if context not in (None, *DEFAULT_HEADS):
        raise UserError(f"unknown context {context!r}: choose from {', '.join(DEFAULT_HEADS)}")
    if name is None:
        context = context or "window"
        return DEFAULT_HEADS[context], context
    if (name, context) == ("bilstm", "document"):  # the name in earlier versions
        return "document-bilstm", "document"
    if name not in HEADS and name not in DOCUMENT_HEADS:
        known = ", ".join([*HEADS, *DOCUMENT_HEADS])
        raise UserError(f"unknown head {name!r}: choose from {known}")
    own: Context = "window" if name in HEADS else "document"
    if context not in (None, own):
        heads = HEADS if context == "window" else DOCUMENT_HEADS
        raise UserError(
            f"the head {name} has the context {own}, not {context}: choose from "
            f"{', '.join(heads)}, or leave out the context"
        )
    return name, own


def make_head(name: str, dim: int, window: int | None = None) -> BaseHead:
    """Make an untrained head.

    Args:
        name: A key of `HEADS` or `DOCUMENT_HEADS`.
        dim: Length of a sentence vector.
        window: Number of sentences on each side of a candidate. For local-transformer: reach of its
            attention. None for the default of the head.

    Raises:
        UserError: The window is below 1, or the head has none.
    """
    if window is None:
        window = default_window(name)
    elif name not in HEADS and name != "local-transformer":
        raise UserError(f"the head {name} reads the whole document: leave out the window")
    if window is None:
        return DOCUMENT_HEADS[name](dim)
    check_window(window)
    return HEADS[name](dim, window) if name in HEADS else LocalTransformer(dim, window)


def default_window(name: str) -> int | None:
    """Return the default window of a head, None if it has no window."""
    if name in HEADS:
        return WINDOW
    return REACH if name == "local-transformer" else None
