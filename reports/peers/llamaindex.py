"""LlamaIndex's `SemanticSplitterNodeParser` (llama-index-core)."""

from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.node_parser import SemanticSplitterNodeParser
from numpy.typing import NDArray

from reports.peers.works import SENTENCE_END, Work

GRID: list[dict[str, Any]] = [
    {"buffer": buffer, "percentile": percentile}
    for buffer, percentile in product((0, 1), (0, 20, 40, 60, 80, 95))
]

Distances = tuple[list[dict[str, Any]], list[float]]


def segment(work: Work, *, buffer: int, percentile: int) -> NDArray[np.bool_]:
    """Segment a work.

    Args:
        work: Work of n sentences.
        buffer: Number of sentences on each side that are embedded together with a sentence.
        percentile: Percentile of the distances between adjacent sentences above which a distance
            marks a boundary.
    """
    groups, distances = _distances(work, buffer)
    chunks = _parser(buffer, percentile)._build_node_chunks(groups, distances)
    return work.boundaries_from_chunks(chunks)


@lru_cache(maxsize=1000)
def _distances(work: Work, buffer: int) -> Distances:
    """Return the groups of sentences and their distances, computed once for all percentiles."""
    parser = _parser(buffer, 95)
    lines = [line + SENTENCE_END for line in work.lines.split(SENTENCE_END)[:-1]]
    groups = parser._build_sentence_groups(lines)
    for group in groups:
        group["combined_sentence_embedding"] = work.embed(group["combined_sentence"])
    return groups, parser._calculate_distances_between_sentence_groups(groups)


def _parser(buffer: int, percentile: int) -> SemanticSplitterNodeParser:
    return SemanticSplitterNodeParser(
        embed_model=MockEmbedding(embed_dim=1),  # not called: the vectors are those of the work
        buffer_size=buffer,
        breakpoint_percentile_threshold=percentile,
    )
