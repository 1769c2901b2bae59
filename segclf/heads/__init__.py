"""Heads: small networks on cached vectors, one in each module, listed in the registry."""

from segclf.heads.base import BaseHead, Head
from segclf.heads.document import DocumentHead
from segclf.heads.registry import (
    DEFAULT_HEADS,
    DOCUMENT_HEADS,
    HEADS,
    Context,
    default_window,
    make_head,
    resolve_head,
)

__all__ = [
    "DEFAULT_HEADS",
    "DOCUMENT_HEADS",
    "HEADS",
    "BaseHead",
    "Context",
    "DocumentHead",
    "Head",
    "default_window",
    "make_head",
    "resolve_head",
]
