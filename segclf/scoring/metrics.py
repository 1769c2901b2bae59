"""Scores of a segmentation; the tests compare them with scikit-learn and segeval."""

from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from segclf.corpus.layout import Layout
from segclf.scoring.decoding import decode


@dataclass(frozen=True)
class Scores:
    """Agreement between predicted and true boundaries.

    Attributes:
        precision: Share of predicted boundaries that are true.
        recall: Share of true boundaries that are predicted.
        f1: Harmonic mean of precision and recall.
        pk: Mean Pk of the documents longer than their `window_size`; lower is better. See the
            function `pk`.
        window_diff: Mean WindowDiff of the same documents; lower is better. See the function
            `window_diff`.
    """

    precision: float
    recall: float
    f1: float
    pk: float
    window_diff: float

    def to_dict(self) -> dict[str, float]:
        """Return the scores by name."""
        return asdict(self)


SCORE_NAMES = tuple(field.name for field in fields(Scores))


def score(layout: Layout, predicted: NDArray[np.bool_]) -> Scores:
    """Score a segmentation.

    Precision, recall and F1 are computed over the candidates of all documents, and are 0 where they
    are undefined. Pk and WindowDiff are 0 if all documents are too short for them.

    Args:
        layout: Layout with the true boundaries.
        predicted: (n,) bool, predicted boundaries.
    """
    precision, recall, f1 = precision_recall_f1(layout, predicted)
    pairs = [
        (layout.labels[start:stop], predicted[start:stop])
        for start, stop in layout.documents
        if stop - start > window_size(layout.labels[start:stop])
    ]
    return Scores(
        precision,
        recall,
        f1,
        pk=float(np.mean([pk(*pair) for pair in pairs])) if pairs else 0.0,
        window_diff=float(np.mean([window_diff(*pair) for pair in pairs])) if pairs else 0.0,
    )


def is_collapsed(layout: Layout, predicted: NDArray[np.bool_]) -> bool:
    """Return whether the predictions (n,) are the same for all candidates."""
    decisions = predicted[layout.is_candidate]
    return bool(decisions.all() or not decisions.any())


def score_at_half(layout: Layout, probabilities: NDArray[np.float32]) -> dict[str, float | bool]:
    """Score the predictions at threshold 0.5 instead of the threshold chosen on dev.

    Args:
        layout: Layout with the true boundaries.
        probabilities: (n,) float32 probabilities of a boundary.

    Returns:
        The scores by name, and `collapsed`, the result of `is_collapsed`.
    """
    predicted = decode(layout, probabilities, 0.5)
    return {**score(layout, predicted).to_dict(), "collapsed": is_collapsed(layout, predicted)}


def precision_recall_f1(layout: Layout, predicted: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return precision, recall and F1 over the candidates; 0 where they are undefined.

    scikit-learn computes the same, but importing it would slow every command down by a second.
    """
    labels, predicted = layout.labels[layout.is_candidate], predicted[layout.is_candidate]
    found, true = int(predicted.sum()), int(labels.sum())
    correct = int((predicted & labels).sum())
    return correct / max(found, 1), correct / max(true, 1), 2 * correct / max(found + true, 1)


def window_size(labels: NDArray[np.bool_]) -> int:
    """Return k: half the mean length of the true segments of one document, rounded, at least 2."""
    segments = 1 + np.count_nonzero(labels[1:])
    return max(round(len(labels) / segments / 2), 2)


def pk(labels: NDArray[np.bool_], predicted: NDArray[np.bool_], k: int | None = None) -> float:
    """Return Pk of one document.

    Pk is the share of pairs of sentences at distance k for which the true and the predicted
    segmentation disagree on whether both sentences are in the same segment (Beeferman, Berger and
    Lafferty 1999, "Statistical Models for Text Segmentation"). It is 0 if there are no such pairs.

    Args:
        labels: (n,) bool, whether each sentence begins a segment.
        predicted: (n,) bool, the same for the predicted segmentation.
        k: Distance in sentences; None for `window_size`.
    """
    errors = pk_errors(labels, predicted, k)
    return float(np.mean(errors)) if len(errors) else 0.0


def pk_errors(
    labels: NDArray[np.bool_], predicted: NDArray[np.bool_], k: int | None = None
) -> NDArray[np.bool_]:
    """Return (n - k,) bool: whether `pk` counts sentences i and i + k as an error."""
    true, found = _boundaries_within(labels, predicted, k)
    errors: NDArray[np.bool_] = (true > 0) != (found > 0)
    return errors


def window_diff(
    labels: NDArray[np.bool_], predicted: NDArray[np.bool_], k: int | None = None
) -> float:
    """Return WindowDiff of one document.

    WindowDiff is the share of pairs of sentences at distance k for which the true and the predicted
    number of boundaries between the two sentences differ (Pevzner and Hearst 2002, "A Critique and
    Improvement of an Evaluation Metric for Text Segmentation"). It is 0 if there are no such pairs.
    See `pk` for the arguments.
    """
    true, found = _boundaries_within(labels, predicted, k)
    return float(np.mean(true != found)) if len(true) else 0.0


def _boundaries_within(
    labels: NDArray[np.bool_], predicted: NDArray[np.bool_], k: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the true and the predicted boundaries between sentences i and i + k: (n - k,) each."""
    k = k or window_size(labels)
    sums = [np.concatenate([[0], np.cumsum(marks[1:])]) for marks in (labels, predicted)]
    true, found = (total[k:] - total[:-k] for total in sums)
    return true, found
