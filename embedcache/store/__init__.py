"""The store: vectors of sentences in one LMDB environment."""

from embedcache.store.space import Space, Vectors
from embedcache.store.space_info import SpaceInfo, StorageDtype
from embedcache.store.store import EmbeddingStore

__all__ = ["EmbeddingStore", "Space", "SpaceInfo", "StorageDtype", "Vectors"]
