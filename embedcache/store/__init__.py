"""The store: vectors of sentences in one LMDB environment."""

from embedcache.store.space import Space, Vectors
from embedcache.store.space_info import JOIN, SpaceInfo, StorageDtype
from embedcache.store.store import EmbeddingStore

__all__ = ["JOIN", "EmbeddingStore", "Space", "SpaceInfo", "StorageDtype", "Vectors"]
