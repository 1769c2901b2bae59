"""The numbers that the charts of a report show, as rows of named values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segclf.corpus import BoundaryType
from segclf.corpus.layout import paragraph_lengths
from segclf.report.groups import Group
from segclf.report.systems import System

Rows = list[dict[str, Any]]

MAX_LENGTH = 20  # longer paragraphs are counted together
TRUE = "in the text"
METRICS = {"F1": "f1", "precision": "precision", "recall": "recall"}
_BASELINES = {
    "everywhere": "before every sentence",
    "nowhere": "no boundary",
    "even": "regular intervals",
    "random": "random",
}
_CURVE_POINTS = 200  # a curve with more points looks the same


def labelled(groups: Sequence[Group]) -> list[tuple[str, System]]:
    """Return each system with the label of its group."""
    return [(group.label, system) for group in groups for system in group.systems]


def precision_recall_rows(
    groups: Sequence[Group], boundary_type: BoundaryType
) -> tuple[Rows, Rows]:
    """Return the points of the precision-recall curves, and those at the chosen thresholds."""
    curves: Rows = []
    chosen: Rows = []
    for label, system in labelled(groups):
        names = {"series": label, "run": system.name}
        precision, recall, _ = _curve(system, boundary_type)
        curves += [
            names | {"precision": p, "recall": r, "order": order}
            for order, (p, r) in enumerate(zip(precision, recall, strict=True))
        ]
        scores = system.types[boundary_type].evaluation.scores
        chosen.append(names | {"precision": scores.precision, "recall": scores.recall})
    return curves, chosen


def threshold_rows(groups: Sequence[Group], boundary_type: BoundaryType) -> tuple[Rows, Rows]:
    """Return the scores of a system by threshold, and the chosen thresholds.

    For several systems, only their F1 is returned.
    """
    rows: Rows = []
    chosen: set[float] = set()
    systems = labelled(groups)
    for label, system in systems:
        # lines of dialogue are predicted at the threshold for boundaries of any type
        chosen |= set(system.thresholds.get(boundary_type) or system.thresholds["any"])
        for precision, recall, threshold in zip(*_curve(system, boundary_type), strict=True):
            f1 = 2 * precision * recall / max(precision + recall, 1e-12)
            shown = {"F1": f1, "precision": precision, "recall": recall}
            rows += [
                {"run": system.name, "series": name, "threshold": threshold, "score": score}
                for name, score in (shown if len(systems) == 1 else {label: f1}).items()
            ]
    return rows, [{"threshold": threshold} for threshold in sorted(chosen)]


def comparison_rows(
    groups: Sequence[Group], boundary_type: BoundaryType
) -> tuple[Rows, Rows, Rows]:
    """Return the F1 of each system, its spread over seeds, and the F1 of the trivial baselines.

    The spread is mean ± standard deviation, for each group of several runs.
    """
    points = [
        {"system": group.label, "series": group.label, "f1": value}
        for group in groups
        for value in group.values("f1", boundary_type)
    ]
    spreads: Rows = []
    for group in groups:
        mean, deviation = group.row(boundary_type)["f1"]
        if deviation is not None:
            names = {"system": group.label, "series": group.label}
            spreads.append(names | {"low": mean - deviation, "high": mean + deviation})
    baselines = groups[0].systems[0].types[boundary_type].evaluation.baselines
    trivial = [{"system": _BASELINES[name], "f1": scores.f1} for name, scores in baselines.items()]
    return points, spreads, trivial


def reliability_rows(groups: Sequence[Group], boundary_type: BoundaryType) -> Rows:
    """Return the bins of the reliability diagrams."""
    return [
        {"series": label, "run": system.name, **vars(one)}
        for label, system in labelled(groups)
        for one in system.types[boundary_type].evaluation.reliability.bins
    ]


def length_rows(groups: Sequence[Group], boundary_type: BoundaryType) -> tuple[Rows, list[float]]:
    """Return the shares of paragraph lengths, and the mean lengths, with the true ones last."""
    results = [(label, system.types[boundary_type]) for label, system in labelled(groups)]
    counted = [(label, result.predicted) for label, result in results]
    counted.append((TRUE, results[0][1].layout.labels))
    rows = [
        {"series": label, "run": number, "length": length, "share": share}
        for number, (label, boundaries) in enumerate(counted)
        for length, share in enumerate(_length_shares(boundaries), start=1)
    ]
    return rows, [len(boundaries) / int(boundaries.sum()) for _, boundaries in counted]


def history_rows(groups: Sequence[Group]) -> tuple[Rows, Rows, list[int | None]]:
    """Return the losses and the scores on dev by epoch, and the best epoch of each run.

    For several runs, F1 is the only score. Ready models and exported runs have no history.
    """
    trained = [pair for pair in labelled(groups) if pair[1].run.record.history]
    losses: Rows = []
    scores: Rows = []
    for label, system in trained:
        for epoch in system.run.record.history[1:]:
            position = {"run": system.name, "epoch": epoch.epoch}
            losses.append(position | {"series": label, "loss": epoch.loss})
            shown = METRICS if len(trained) == 1 else {label: "f1"}
            scores += [
                position | {"series": name, "score": getattr(epoch, attribute)}
                for name, attribute in shown.items()
            ]
    return losses, scores, [system.run.record.best_epoch for _, system in trained]


def _curve(
    system: System, boundary_type: BoundaryType
) -> tuple[list[float], list[float], list[float]]:
    """Return precision and recall at some of the thresholds, and these thresholds, ascending.

    The lists are empty if there is no boundary to find: recall is then undefined.
    """
    from sklearn.metrics import precision_recall_curve  # slow import, 1 s

    result = system.types[boundary_type]
    is_candidate = result.layout.is_candidate
    labels = result.layout.labels[is_candidate]
    if not labels.any():
        return [], [], []
    precision, recall, thresholds = precision_recall_curve(labels, result.ranking[is_candidate])
    # equally spaced along the curve: most thresholds are small probabilities, where little happens
    steps = np.abs(np.diff(recall[:-1])) + np.abs(np.diff(precision[:-1]))
    path = np.append(0, np.cumsum(steps))
    kept = np.unique(np.searchsorted(path, np.linspace(0, path[-1], _CURVE_POINTS)))
    return precision[kept].tolist(), recall[kept].tolist(), thresholds[kept].tolist()


def _length_shares(boundaries: NDArray[np.bool_]) -> list[float]:
    """Return the share of paragraphs with 1, 2, ... and at least `MAX_LENGTH` sentences."""
    lengths = paragraph_lengths(boundaries)
    counts = np.bincount(np.minimum(lengths, MAX_LENGTH), minlength=MAX_LENGTH + 1)[1:]
    shares: list[float] = (counts / len(lengths)).tolist()
    return shares
