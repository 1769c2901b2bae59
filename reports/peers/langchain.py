"""LangChain's `SemanticChunker` (langchain-experimental)."""

from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from langchain_experimental.text_splitter import SemanticChunker
from numpy.typing import NDArray

from reports.peers.works import SENTENCE_END, Work

_AMOUNTS = {
    "percentile": (0, 20, 40, 60, 80, 95),
    "standard_deviation": (-1.0, -0.5, 0.0, 0.5, 1.0),
    "interquartile": (0.0, 0.5),
    "gradient": (20, 50, 80),
}
GRID: list[dict[str, Any]] = [
    {"buffer": buffer, "threshold": threshold, "amount": amount}
    for buffer, (threshold, amounts) in product((0, 1), _AMOUNTS.items())
    for amount in amounts
]

Distances = tuple[list[float], list[dict[str, Any]]]


class _Embeddings:
    """The interface that LangChain expects of an encoder."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def embed_documents(self, texts: list[str]) -> list[NDArray[np.float32]]:
        """Return the vectors of groups of sentences."""
        return [self._work.embed(text) for text in texts]


class _Chunker(SemanticChunker):
    """A chunker that computes the distances of a work once for all thresholds."""

    def __init__(self, work: Work, buffer: int, threshold: str, amount: float) -> None:
        super().__init__(
            _Embeddings(work),
            buffer_size=buffer,
            breakpoint_threshold_type=threshold,
            breakpoint_threshold_amount=amount,
        )
        self._work = work

    def _get_single_sentences_list(self, text: str) -> list[str]:
        return [line + SENTENCE_END for line in text.split(SENTENCE_END)[:-1]]

    def _calculate_sentence_distances(self, single_sentences_list: list[str]) -> Distances:
        return _distances(self._work, self.buffer_size)


@lru_cache(maxsize=1000)
def _distances(work: Work, buffer: int) -> Distances:
    chunker = SemanticChunker(_Embeddings(work), buffer_size=buffer)
    lines = [line + SENTENCE_END for line in work.lines.split(SENTENCE_END)[:-1]]
    distances, rows = chunker._calculate_sentence_distances(lines)
    return distances, [{"sentence": row["sentence"]} for row in rows]


def segment(work: Work, *, buffer: int, threshold: str, amount: float) -> NDArray[np.bool_]:
    """Segment a work.

    Args:
        work: Work of n sentences.
        buffer: Number of sentences on each side that are embedded together with a sentence.
        threshold: Method that chooses the threshold for the distance between adjacent sentences;
            see `breakpoint_threshold_type` of `SemanticChunker`.
        amount: Parameter of this method.
    """
    chunker = _Chunker(work, buffer, threshold, amount)
    return work.boundaries_from_chunks(chunker.split_text(work.lines))
