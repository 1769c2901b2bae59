"""Encoders: sentence in, vector out. One adapter a file, one line each in the registry."""

from embedcache.encoders.protocol import CountsTokens, Encoder
from embedcache.encoders.registry import BUILT_IN, load_encoder
from embedcache.encoders.transformer import Pooling, TransformerEncoder

__all__ = [
    "BUILT_IN",
    "CountsTokens",
    "Encoder",
    "Pooling",
    "TransformerEncoder",
    "load_encoder",
]
