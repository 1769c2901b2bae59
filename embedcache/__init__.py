"""Sentence encoders, and an LMDB store that keeps the vector of each sentence."""

from embedcache.encode import EncodeReport, encode_sentences
from embedcache.encoders import BUILT_IN, Encoder, load_encoder
from embedcache.errors import StoreError, UserError
from embedcache.ids import normalize, sentence_ids
from embedcache.memory import encode_in_memory
from embedcache.store import EmbeddingStore, Space, SpaceInfo

__all__ = [
    "BUILT_IN",
    "EmbeddingStore",
    "EncodeReport",
    "Encoder",
    "Space",
    "SpaceInfo",
    "StoreError",
    "UserError",
    "encode_in_memory",
    "encode_sentences",
    "load_encoder",
    "normalize",
    "sentence_ids",
]
