"""Names of heads; this module does not import torch."""

from typing import Literal, get_args

from embedcache import UserError

WindowHeadName = Literal["mlp", "bilstm", "transformer", "wordlstm"]
DocumentHeadName = Literal["document-bilstm", "local-transformer", "linear-transformer"]
HeadName = Literal[WindowHeadName, DocumentHeadName]
Context = Literal["window", "document"]

WINDOW_HEAD_NAMES: tuple[WindowHeadName, ...] = get_args(WindowHeadName)
DOCUMENT_HEAD_NAMES: tuple[DocumentHeadName, ...] = get_args(DocumentHeadName)
DEFAULT_HEAD: HeadName = "mlp"
WINDOW = 4  # default number of sentences on each side
REACH = 32  # default reach of the attention of local-transformer


def context_of(head: str) -> Context:
    """Return whether a head reads a "window" of sentences or the whole "document"."""
    return "document" if head in DOCUMENT_HEAD_NAMES else "window"


def head_in_context(head: str | None, context: str) -> str:
    """Return the head that the deprecated option `--context` selects.

    Args:
        head: Name of the head; None for the default head of the context. With the context
            "document", "bilstm" stands for "document-bilstm".
        context: "window" or "document".

    Raises:
        UserError: The context is unknown, or it is not the context of the head.
    """
    if context not in get_args(Context):
        raise UserError(f"context: must be 'window' or 'document', not {context!r}")
    if context == "document" and head in (None, "bilstm"):
        return "document-bilstm"
    if head is None:
        return DEFAULT_HEAD
    actual = context_of(head)
    if actual != context:
        heads = ", ".join(WINDOW_HEAD_NAMES if context == "window" else DOCUMENT_HEAD_NAMES)
        raise UserError(
            f"the head {head} has the context {actual}, not {context}: choose from {heads}, or "
            "leave out the option context"
        )
    return head
