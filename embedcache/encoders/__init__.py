"""Encoders: sentence in, vector out. One adapter a file, one line each in the registry."""

from embedcache.encoders.base import CountsTokens, Encoder, Pooling, Precision
from embedcache.encoders.registry import BUILT_IN, VECTOR_FILE, LoadedEncoder, load_encoder
from embedcache.encoders.transformer import TransformerEncoder, silence_transformers
from embedcache.encoders.word_vectors import SifEncoder, TokenEncoder, WordEncoder

__all__ = [
    "BUILT_IN",
    "VECTOR_FILE",
    "CountsTokens",
    "Encoder",
    "LoadedEncoder",
    "Pooling",
    "Precision",
    "SifEncoder",
    "TokenEncoder",
    "TransformerEncoder",
    "WordEncoder",
    "load_encoder",
    "silence_transformers",
]
