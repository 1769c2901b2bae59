"""Head names and what they mean. A new head is a module beside this one and a line here."""

from collections.abc import Callable, Mapping
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
from segclf.windows import check_window

Context = Literal["window", "document"]

DEFAULT_HEADS: dict[str, str] = {"window": "mlp", "document": "bilstm"}
WINDOW = 4  # sentences on each side, unless told
REACH = 32  # of the attention over documents, unless told

HEADS: dict[str, Callable[[int, int], Head]] = {
    "mlp": MLP,
    "bilstm": BiLSTM,
    "transformer": Transformer,
    "wordlstm": WordLSTM,
}

DOCUMENT_HEADS: dict[str, Callable[[int], DocumentHead]] = {
    "bilstm": DocumentBiLSTM,
    "local-transformer": lambda dim: LocalTransformer(dim, REACH),
    "linear-transformer": LinearTransformer,
}


def make_head(
    name: str | None, dim: int, window: int | None = None, context: Context = "window"
) -> BaseHead:
    """Make an untrained head.

    Args:
        name: a key of `HEADS`, or of `DOCUMENT_HEADS` where the context is "document"; None for
            that of `DEFAULT_HEADS`.
        dim: length of a sentence vector.
        window: sentences on each side of a candidate, or that the attention of the document head
            "local-transformer" reaches; None for the head's own.
        context: what the head reads before it decides.

    Raises:
        UserError: no such head or context, a window below 1, or one for a head that has none.
    """
    heads: dict[str, Mapping[str, Callable[..., BaseHead]]] = {
        "window": HEADS,
        "document": DOCUMENT_HEADS,
    }
    if context not in heads:
        raise UserError(f"no context {context!r}: choose from {', '.join(heads)}")
    name = name or DEFAULT_HEADS[context]
    if name not in heads[context]:
        raise UserError(_no_head(name, context))
    if window is not None:
        check_window(window)
    if context == "window":
        return HEADS[name](dim, WINDOW if window is None else window)
    if window is None:
        return DOCUMENT_HEADS[name](dim)
    if name != "local-transformer":
        raise UserError(
            f"the head {name} reads the whole document, only local-transformer has a window "
            "there: leave it out"
        )
    return LocalTransformer(dim, window)


def default_window(name: str, context: Context) -> int | None:
    """Return the window that a head takes where none is named; None for a head without one."""
    if context == "window":
        return WINDOW
    return REACH if name == "local-transformer" else None


def _no_head(name: str, context: Context) -> str:
    if context == "document":
        return f"no head {name!r} over documents: choose from {', '.join(DOCUMENT_HEADS)}"
    hint = "; it reads whole documents: take the context document" if name in DOCUMENT_HEADS else ""
    return f"no head {name!r}: choose from {', '.join(HEADS)}{hint}"
