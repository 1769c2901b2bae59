"""Examples of a corpus: its labels with the vectors of its sentences."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedcache import sentence_ids
from embedcache.store import Vectors
from segclf.corpus import Corpus
from segclf.inputs.examples import Examples
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.encoders import load_referenced
from segclf.workspace.workspace import Workspace


def examples_of(corpus: Corpus, workspace: Workspace, encoder: EncoderReference) -> Examples:
    """Read the vectors of a corpus, or of one split of it, from the store.

    Args:
        corpus: Corpus, or one split of it, with the labels.
        workspace: Workspace with the store.
        encoder: Encoder that computed the vectors.

    Raises:
        StoreError: The store lacks the encoder or a sentence.
        UserError: The encoder returns words, and their vectors cannot be loaded.
    """
    return examples_of_parts([corpus], workspace, encoder)[0]


def examples_of_parts(
    parts: Sequence[Corpus], workspace: Workspace, encoder: EncoderReference
) -> list[Examples]:
    """Read the vectors of several splits; see `examples_of`. Store and encoder are opened once."""
    store = workspace.store()
    vectors = [store.vectors(encoder.fingerprint, sentence_ids(part.sentences)) for part in parts]
    tokens = load_referenced(encoder).token_vectors if vectors[0].dtype == np.int32 else None
    return [make_examples(part, own, tokens) for part, own in zip(parts, vectors, strict=True)]


def make_examples(
    corpus: Corpus, vectors: Vectors, token_vectors: NDArray[np.float32] | None
) -> Examples:
    """Make examples from a corpus of n sentences.

    Args:
        corpus: Corpus with the labels.
        vectors: (n, d) vectors of the sentences, or (n, l) rows of `token_vectors`.
        token_vectors: (v, d) `token_vectors` of the encoder; None for an encoder that returns
            sentence vectors.
    """
    if token_vectors is None:
        return Examples(vectors, corpus.layout)
    return Examples.of_words(vectors.astype(np.int32, copy=False), token_vectors, corpus.layout)
