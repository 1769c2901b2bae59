"""Encoders, which turn sentences into vectors. Each kind is a module; `registry` lists them."""

from embedcache.encoders.base import Backend, Encoder, Pooling, Precision, Tokens
from embedcache.encoders.joined import JoinedEncoder, join_encoders
from embedcache.encoders.names import is_fingerprint, join_layer, split_layer, split_recorded
from embedcache.encoders.registry import BUILT_IN, load_encoder
from embedcache.encoders.sif import SifEncoder
from embedcache.encoders.static import StaticEncoder, is_static
from embedcache.encoders.torch_model import silence_transformers
from embedcache.encoders.transformer import TransformerEncoder
from embedcache.encoders.word_vectors import TokenEncoder, WordEncoder

__all__ = [
    "BUILT_IN",
    "Backend",
    "Encoder",
    "JoinedEncoder",
    "Pooling",
    "Precision",
    "SifEncoder",
    "StaticEncoder",
    "TokenEncoder",
    "Tokens",
    "TransformerEncoder",
    "WordEncoder",
    "is_fingerprint",
    "is_static",
    "join_encoders",
    "join_layer",
    "load_encoder",
    "silence_transformers",
    "split_layer",
    "split_recorded",
]
