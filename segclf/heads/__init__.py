"""Heads: small networks over windows of cached vectors. One a file, a line each in the registry."""

from segclf.heads.base import Head
from segclf.heads.registry import HEADS, make_head

__all__ = ["HEADS", "Head", "make_head"]
