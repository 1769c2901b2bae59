"""chonkie's `SemanticChunker`."""

from itertools import product
from typing import Any

import numpy as np
from chonkie import SemanticChunker
from chonkie.embeddings import BaseEmbeddings
from numpy.typing import NDArray

from reports.peers.works import SENTENCE_END, Work

_NO_LIMIT = 1_000_000_000
GRID: list[dict[str, Any]] = [
    {"threshold": threshold, "window": window, "limit": limit}
    for threshold, window, limit in product((0.3, 0.8, 0.95), (1, 3), (50, 200, _NO_LIMIT))
]


class _Embeddings(BaseEmbeddings):
    """The interface that chonkie expects of an encoder."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work = work

    def embed(self, text: str) -> NDArray[np.float32]:
        return self._work.embed(text)

    @property
    def dimension(self) -> int:
        return int(self._work.vectors.shape[1])

    def get_tokenizer(self) -> str:
        return "character"


def segment(
    work: Work,
    *,
    threshold: float,
    window: int,
    limit: int,
) -> NDArray[np.bool_]:
    """Segment a work.

    Args:
        work: Work of n sentences.
        threshold: Share of the local minima of the similarity that become boundaries.
        window: Number of sentences before a gap that are compared with the sentence after it.
        limit: Maximum number of characters in a segment.
    """
    chunker = SemanticChunker(
        embedding_model=_Embeddings(work),
        threshold=threshold,
        chunk_size=limit,
        similarity_window=window,
        min_characters_per_sentence=1,
        delim=SENTENCE_END,
    )
    return work.boundaries_from_chunks(chunk.text for chunk in chunker.chunk(work.lines))
