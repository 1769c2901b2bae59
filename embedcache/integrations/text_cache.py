"""A cache for any function that embeds texts; a store keeps the vector of each text."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedcache.errors import StoreError
from embedcache.hashing import fingerprint_of
from embedcache.ids import sentence_ids
from embedcache.store import EmbeddingStore, Space, SpaceInfo

_BATCH = 1024  # texts that are embedded between two commits
_MARK = {"texts": "as they are"}  # in the identity of every space of a cache


class TextCache:
    """A cache of the vectors of texts in a space of a store.

    Unlike those of `embedcache.encode_sentences`, the texts are not normalized: two texts that
    differ in their whitespace have two vectors, as they have without a cache.

    Args:
        store: Store, or its folder, which is created if it is missing.
        name: Name of the space in the lists of the store.
        identity: Everything that the vectors depend on besides the text; JSON-serializable. The key
            "texts" is reserved.
        dtype: Dtype of the stored numbers. float16 halves the size of the store and rounds the
            vectors; its magnitudes are at most 65,504.

    Attributes:
        store: The store.

    Raises:
        StoreError: The store is damaged, or it cannot be created.
        ValueError: The identity has the key "texts".
    """

    def __init__(
        self,
        store: EmbeddingStore | str | os.PathLike[str],
        name: str,
        identity: dict[str, Any],
        dtype: Literal["float32", "float16"] = "float32",
    ) -> None:
        self.store = store if isinstance(store, EmbeddingStore) else EmbeddingStore(store)
        self._name = name
        if not _MARK.keys().isdisjoint(identity):
            raise ValueError(f"the identity {identity} must not have the key {next(iter(_MARK))!r}")
        self._identity = {**_MARK, **identity}
        self._fingerprint = fingerprint_of(self._identity)
        self._dtype = dtype

    def embed(
        self, texts: Sequence[str], embed: Callable[[list[str]], ArrayLike]
    ) -> NDArray[np.float32]:
        """Return the vectors of texts; those that the store lacks are embedded and added to it.

        Args:
            texts: n texts.
            embed: Function that embeds m texts: (m, dim). It is called with at most 1,024 texts at
                a time. The vectors of each call are stored, even if a later call is interrupted.

        Returns:
            (n, dim) float32; (0, 0) if there are no texts.

        Raises:
            StoreError: The store is damaged, vectors must be added and it is read-only or of an
                earlier format, or it has vectors of another length or dtype for the same identity.
            ValueError: `embed` returns NaN, infinity, a number that the dtype cannot hold, or not
                one vector for each text.
        """
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        ids = sentence_ids(texts)
        space = self._existing_space()
        known = np.zeros(len(texts), dtype=np.bool_) if space is None else space.contains(ids)
        missing = list(dict.fromkeys(texts[i] for i in np.flatnonzero(~known).tolist()))
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            vectors = np.asarray(embed(batch), dtype=np.float32)
            if vectors.ndim != 2 or len(vectors) != len(batch):
                raise ValueError(
                    f"expected vectors of shape ({len(batch)}, dim), got {vectors.shape}"
                )
            space = self.store.create_space(
                self._fingerprint,
                name=self._name,
                dim=vectors.shape[1],
                dtype=self._dtype,
                identity=self._identity,
            )
            space.append(sentence_ids(batch), vectors)
        return self.store.vectors(self._fingerprint, ids).astype(np.float32, copy=False)

    @staticmethod
    def owns(space: SpaceInfo) -> bool:
        """Return whether a `TextCache` wrote a space, so that its texts were not normalized."""
        return _MARK.items() <= space.identity.items()

    def _existing_space(self) -> Space | None:
        space = self.store.get_space(self._fingerprint)
        if space is not None and (dtype := space.info().dtype) != self._dtype:
            raise StoreError(
                f"the vectors of {self._name} in the store are {dtype}, not {self._dtype}: "
                f"use the dtype {dtype}, or another store"
            )
        return space
