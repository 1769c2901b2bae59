"""Vectors of a corpus, gathered from the store."""

from collections.abc import Sequence

import numpy as np

from embedcache import sentence_ids
from embedcache.encoders import Encoder, TokenEncoder
from embedcache.store import Vectors
from segclf.corpus import Corpus
from segclf.inputs.examples import Examples
from segclf.workspace.encoders import load_referenced
from segclf.workspace.workspace import EncoderReference, Workspace


def examples_of(corpus: Corpus, workspace: Workspace, encoder: EncoderReference) -> Examples:
    """Gather the vectors of a corpus, or of one split of it.

    Raises:
        StoreError: the store lacks the encoder or a sentence.
        UserError: the vectors of the words, which the store does not keep, are not to be had.
    """
    store, ids = workspace.store(), sentence_ids(corpus.sentences)
    columns = [store.space(part.fingerprint).vectors(ids) for part in encoder.parts]
    words = load_referenced(encoder) if columns[0].dtype == np.int32 else None
    return join_vectors(corpus, columns, words)


def join_vectors(corpus: Corpus, columns: Sequence[Vectors], words: Encoder | None) -> Examples:
    """Make examples of the vectors that one or several encoders give to a corpus of n sentences.

    Args:
        corpus: the sentences, with their labels.
        columns: (n, d) float32 of each encoder; or of one alone (n, l) int32, the rows of words.
        words: the encoder of words that gave int32 vectors.
    """
    if columns[0].dtype == np.int32:
        assert isinstance(words, TokenEncoder)  # noqa: S101 - no other stores int32
        rows = columns[0].astype(np.int32, copy=False)
        return Examples.of_words(rows, words.vectors.matrix, corpus.layout)
    if len(columns) > 1:
        columns = [np.concatenate(columns, axis=1, dtype=np.float32)]
    return Examples(columns[0], corpus.layout)
