"""What a model must beat: answers that look at no sentence."""

import numpy as np
from numpy.typing import NDArray

from segclf.metrics import Scores, score

RANDOM_DRAWS = 20


def baseline_scores(
    labels: NDArray[np.bool_], offsets: NDArray[np.int64], *, paragraph_length: float, rate: float
) -> dict[str, Scores]:
    """Score the trivial answers.

    Args:
        labels: (n,) bool, true boundaries.
        offsets: (m + 1,) where documents begin.
        paragraph_length: mean of the training paragraphs, in sentences.
        rate: share of boundaries among the training candidates.

    Returns:
        Scores of `everywhere`, `nowhere`, `even` (paragraphs of the mean training length) and
        `random` (at the training rate; mean of 20 draws).
    """
    n = len(labels)
    draws = [
        score(labels, np.random.default_rng(seed).random(n) < rate, offsets).to_dict()
        for seed in range(RANDOM_DRAWS)
    ]
    return {
        "everywhere": score(labels, np.ones(n, dtype=np.bool_), offsets),
        "nowhere": score(labels, np.zeros(n, dtype=np.bool_), offsets),
        "even": score(labels, _evenly_spaced(offsets, paragraph_length), offsets),
        "random": Scores(**{name: float(np.mean([d[name] for d in draws])) for name in draws[0]}),
    }


def _evenly_spaced(offsets: NDArray[np.int64], length: float) -> NDArray[np.bool_]:
    position = np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))
    marks: NDArray[np.bool_] = position % max(round(length), 1) == 0
    return marks
