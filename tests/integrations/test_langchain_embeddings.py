"""Embeddings of LangChain whose vectors are kept in a store."""

import numpy as np
import pytest


@pytest.fixture
def embeddings():
    """Deterministic embeddings that record what they embed."""
    from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

    class Recorder(Embeddings):
        def __init__(self):
            self.model = DeterministicFakeEmbedding(size=8)
            self.documents = []
            self.queries = []

        def embed_documents(self, texts):
            self.documents += texts
            return self.model.embed_documents(texts)

        def embed_query(self, text):
            self.queries.append(text)
            return self.model.embed_query(text)

    return Recorder()


def test_documents_and_queries_are_embedded_once(tmp_path, embeddings):
    from embedcache.integrations.langchain import CachedEmbeddings

    texts = ["One.", "Two.", "One."]
    for _ in range(2):
        cached = CachedEmbeddings(embeddings, tmp_path / "store", "model-1")
        found = cached.embed_documents(texts)
        np.testing.assert_allclose(found, embeddings.model.embed_documents(texts), rtol=1e-6)
        np.testing.assert_allclose(
            cached.embed_query("One."), embeddings.model.embed_query("One."), rtol=1e-6
        )
    assert (embeddings.documents, embeddings.queries) == (["One.", "Two."], ["One."])
    assert cached.embed_documents([]) == []
    CachedEmbeddings(embeddings, tmp_path / "store", "model-2").embed_query("One.")
    assert embeddings.queries == ["One.", "One."]


def test_a_vector_store_of_langchain_uses_them(tmp_path, embeddings):
    from langchain_core.vectorstores import InMemoryVectorStore

    from embedcache.integrations.langchain import CachedEmbeddings

    cached = CachedEmbeddings(embeddings, tmp_path / "store", "model-1")
    store = InMemoryVectorStore.from_texts(["One.", "Two."], cached)
    assert len(store.similarity_search("One.", k=2)) == 2
