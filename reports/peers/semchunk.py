"""semchunk: chunks with a maximum number of characters, cut at punctuation and spaces."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from semchunk import chunkerify

from reports.peers.works import Work

GRID: list[dict[str, Any]] = [{"characters": characters} for characters in (10, 50, 150, 500)]


def segment(work: Work, *, characters: int) -> NDArray[np.bool_]:
    """Segment a work into chunks of at most `characters` characters."""
    _, offsets = chunkerify(len, characters)(work.text, offsets=True)
    return work.boundaries_from_offsets(start for start, _ in offsets)
