"""semantic-text-splitter: chunks of whole sentences with a maximum number of characters."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from semantic_text_splitter import TextSplitter

from reports.peers.works import Work

GRID: list[dict[str, Any]] = [
    {"characters": characters} for characters in (10, 30, 60, 100, 200, 500)
]


def segment(work: Work, *, characters: int) -> NDArray[np.bool_]:
    """Segment a work into chunks of at most `characters` characters."""
    chunks = TextSplitter(characters).chunk_indices(work.text)
    return work.boundaries_from_offsets(start for start, _ in chunks)
