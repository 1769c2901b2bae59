"""Trivial segmentations that do not read the sentences, for comparison with models."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segclf.corpus.layout import Layout
from segclf.scoring.metrics import SCORE_NAMES, Scores, score

RANDOM_DRAWS = 20
"""Number of segmentations of the baseline "random"."""

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
        Scores by baseline name, as in `DESCRIPTIONS`; means over the draws of "random".
    """
    predictions = baseline_predictions(layout, paragraph_length=paragraph_length, rate=rate)
    return {
        name: mean_scores([score(layout, predicted) for predicted in draws])
        for name, draws in predictions.items()
    }


def baseline_predictions(
    layout: Layout, *, paragraph_length: float, rate: float
) -> dict[str, list[NDArray[np.bool_]]]:
    """Return trivial segmentations (n,) by baseline name, with `RANDOM_DRAWS` draws of "random".

    Args:
        layout: Layout of the documents; its labels are not used.
        paragraph_length: Mean length of the training paragraphs, in sentences; "even" divides each
            document into paragraphs of this length, rounded.
        rate: Share of boundaries among the training candidates; the probability of a boundary in
            "random".
    """
    n = len(layout)
    return {
        "everywhere": [np.ones(n, dtype=np.bool_)],
        "nowhere": [np.zeros(n, dtype=np.bool_)],
        "even": [_evenly_spaced(layout, paragraph_length)],
        "random": [np.random.default_rng(seed).random(n) < rate for seed in range(RANDOM_DRAWS)],
    }


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """Return the mean of each score."""
    means = (float(np.mean([getattr(draw, name) for draw in scores])) for name in SCORE_NAMES)
    return Scores(*means)


def _evenly_spaced(layout: Layout, length: float) -> NDArray[np.bool_]:
    position = np.arange(len(layout)) - np.repeat(layout.offsets[:-1], np.diff(layout.offsets))
    boundaries: NDArray[np.bool_] = position % max(round(length), 1) == 0
    return boundaries
