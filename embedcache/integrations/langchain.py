"""LangChain: any `Embeddings`, with the vectors kept in a store."""

import os

from langchain_core.embeddings import Embeddings

from embedcache.integrations.text_cache import TextCache
from embedcache.store import EmbeddingStore


class CachedEmbeddings(Embeddings):
    """Embeddings that embed each document and each query once.

    Args:
        embeddings: Embeddings of documents and queries.
        store: Store, or its folder, which is created if it is missing. Several processes may use
            it.
        name: Name of the model with its version. The vectors are kept under this name, so use a
            different name for each model.

    Raises:
        StoreError: The store is damaged, or it cannot be created.

    Example:
        >>> cached = CachedEmbeddings(embeddings, "vectors", name="text-embedding-3-small")
        >>> cached.embed_documents(["It rained."])
    """

    def __init__(
        self, embeddings: Embeddings, store: EmbeddingStore | str | os.PathLike[str], name: str
    ) -> None:
        self.embeddings = embeddings
        # a model may embed the same text differently as a document and as a query
        self._documents = TextCache(store, name, {"langchain": name, "as": "document"})
        self._queries = TextCache(
            self._documents.store, f"{name} (queries)", {"langchain": name, "as": "query"}
        )

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vectors of n documents, lists of dim numbers rounded to float32.

        Raises:
            StoreError, ValueError: See `embedcache.integrations.text_cache.TextCache.embed`.
        """
        vectors = self._documents.embed(texts, self.embeddings.embed_documents)
        return [vector.tolist() for vector in vectors]

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a query, a list of dim numbers rounded to float32.

        Raises:
            StoreError, ValueError: See `embedcache.integrations.text_cache.TextCache.embed`.
        """
        vectors = self._queries.embed(
            [text], lambda texts: [self.embeddings.embed_query(query) for query in texts]
        )
        return list(map(float, vectors[0]))
