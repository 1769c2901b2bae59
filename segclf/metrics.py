"""Scores of a segmentation, checked in the tests against scikit-learn and segeval."""

from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segclf.decoding import decode
from segclf.windows import candidates


@dataclass(frozen=True)
class Scores:
    """How well predicted boundaries agree with the true ones.

    Attributes:
        precision: share of predicted boundaries that are true.
        recall: share of true boundaries that are predicted.
        f1: harmonic mean of the two.
        pk: Beeferman et al. 1999; the lower the better; mean over documents, those apart that are
            too short for it.
        window_diff: Pevzner and Hearst 2002; the lower the better; likewise.
    """

    precision: float
    recall: float
    f1: float
    pk: float
    window_diff: float

    def to_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return asdict(self)


def score(
    labels: NDArray[np.bool_], predicted: NDArray[np.bool_], offsets: NDArray[np.int64]
) -> Scores:
    """Score a segmentation of documents.

    Precision, recall and F1 are over the candidates: a document's first sentence is no decision.

    Args:
        labels: (n,) bool, true boundaries.
        predicted: (n,) bool.
        offsets: (m + 1,) where documents begin.
    """
    precision, recall, f1 = precision_recall_f1(labels, predicted, offsets)
    pairs = [
        (labels[start:stop], predicted[start:stop])
        for start, stop in pairwise(offsets)
        if stop - start > window_size(labels[start:stop])
    ]
    return Scores(
        precision,
        recall,
        f1,
        pk=float(np.mean([pk(*pair) for pair in pairs])) if pairs else 0.0,
        window_diff=float(np.mean([window_diff(*pair) for pair in pairs])) if pairs else 0.0,
    )


def is_collapsed(predicted: NDArray[np.bool_], offsets: NDArray[np.int64]) -> bool:
    """Say whether a segmentation, (n,) bool, says the same before every sentence."""
    decided = predicted[candidates(offsets)]
    return bool(decided.all() or not decided.any())


def score_at_half(
    probabilities: NDArray[np.float32], labels: NDArray[np.bool_], offsets: NDArray[np.int64]
) -> dict[str, float | bool]:
    """Score what probability 0.5 decides, as if no threshold had been chosen on dev.

    Args:
        probabilities: (n,).
        labels: (n,) bool, true boundaries.
        offsets: (m + 1,) where documents begin.

    Returns:
        The figures of `Scores` by name, and `collapsed`.
    """
    predicted = decode(probabilities, 0.5, offsets)
    collapsed = is_collapsed(predicted, offsets)
    return {**score(labels, predicted, offsets).to_dict(), "collapsed": collapsed}


def precision_recall_f1(
    labels: NDArray[np.bool_], predicted: NDArray[np.bool_], offsets: NDArray[np.int64]
) -> tuple[float, float, float]:
    """Return precision, recall and F1 of the boundaries over the candidates, 0 where undefined.

    scikit-learn counts the same; its import would take every command a second.
    """
    due = candidates(offsets)
    said, there = int(predicted[due].sum()), int(labels[due].sum())
    right = int((predicted[due] & labels[due]).sum())
    return right / max(said, 1), right / max(there, 1), 2 * right / max(said + there, 1)


def window_size(labels: NDArray[np.bool_]) -> int:
    """Return k: half the mean length of the true segments of one document, at least 2."""
    segments = 1 + np.count_nonzero(labels[1:])
    return max(round(len(labels) / segments / 2), 2)


def pk(labels: NDArray[np.bool_], predicted: NDArray[np.bool_], k: int | None = None) -> float:
    """Return Pk of one document.

    The share of pairs of sentences k apart on which the segmentations disagree whether both lie in
    one segment (Beeferman, Berger and Lafferty 1999).

    Args:
        labels: (n,) bool, whether a segment begins with the sentence.
        predicted: (n,) bool.
        k: distance; `window_size` by default.
    """
    errors = pk_errors(labels, predicted, k)
    return float(np.mean(errors)) if len(errors) else 0.0


def pk_errors(
    labels: NDArray[np.bool_], predicted: NDArray[np.bool_], k: int | None = None
) -> NDArray[np.bool_]:
    """Say of each sentence whether `pk` counts it and the one k further as a mistake: (n - k,)."""
    true, guess = _boundaries_within(labels, predicted, k)
    errors: NDArray[np.bool_] = (true > 0) != (guess > 0)
    return errors


def window_diff(
    labels: NDArray[np.bool_], predicted: NDArray[np.bool_], k: int | None = None
) -> float:
    """Return WindowDiff of one document: like `pk`, but the counts of boundaries must agree.

    Pevzner and Hearst 2002.
    """
    true, guess = _boundaries_within(labels, predicted, k)
    return float(np.mean(true != guess)) if len(true) else 0.0


def _boundaries_within(
    labels: NDArray[np.bool_], predicted: NDArray[np.bool_], k: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the boundaries between sentences i and i + k, for every i: (n - k,) each."""
    k = k or window_size(labels)
    sums = [np.concatenate([[0], np.cumsum(marks[1:])]) for marks in (labels, predicted)]
    true, guess = (total[k:] - total[:-k] for total in sums)
    return true, guess
