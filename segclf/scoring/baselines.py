"""Trivial segmentations that do not read the sentences, for comparison with models."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segclf.corpus.layout import Layout
from segclf.scoring.metrics import SCORE_NAMES, Scores, score

RANDOM_DRAWS = 20

DESCRIPTIONS = {
    "everywhere": "a boundary before every sentence",
    "nowhere": "no boundary",
    "even": "boundaries at regular intervals",
    "random": "random boundaries, same share as in training",
}
"""Descriptions of the baselines by name, for tables."""


def baseline_scores(layout: Layout, *, paragraph_length: float, rate: float) -> dict[str, Scores]:
    """Score trivial segmentations.

    Args:
        layout: Layout with the true boundaries.
        paragraph_length: Mean length of the training paragraphs, in sentences.
        rate: Share of boundaries among the training candidates.

    Returns:
        Scores by baseline name, as in `DESCRIPTIONS`. "even" divides each document into paragraphs
        of the mean training length. The scores of "random" are means over 20 draws.
    """
    n = len(layout)
    draws = [
        score(layout, np.random.default_rng(seed).random(n) < rate) for seed in range(RANDOM_DRAWS)
    ]
    return {
        "everywhere": score(layout, np.ones(n, dtype=np.bool_)),
        "nowhere": score(layout, np.zeros(n, dtype=np.bool_)),
        "even": score(layout, _evenly_spaced(layout, paragraph_length)),
        "random": _mean_scores(draws),
    }


def _mean_scores(draws: Sequence[Scores]) -> Scores:
    means = (float(np.mean([getattr(draw, name) for draw in draws])) for name in SCORE_NAMES)
    return Scores(*means)


def _evenly_spaced(layout: Layout, length: float) -> NDArray[np.bool_]:
    position = np.arange(len(layout)) - np.repeat(layout.offsets[:-1], np.diff(layout.offsets))
    boundaries: NDArray[np.bool_] = position % max(round(length), 1) == 0
    return boundaries
