"""Chooses the parameters of a method on the dev authors, and scores it on the test authors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.authors import CRITERIA, Criterion, Result, result_of
from reports.peers.methods import Method, Segment
from reports.peers.works import Work
from segclf.corpus import BoundaryType, Corpus
from segclf.corpus.layout import Layout
from segclf.scoring.metrics import score


@dataclass(frozen=True)
class Texts:
    """The works of one split in one language.

    Attributes:
        works: Works without their boundaries.
        parts: The same works with the boundaries of each type.
    """

    works: list[Work]
    parts: dict[BoundaryType, Corpus]


def compare(method: Method, language: str, dev: Texts, test: Texts) -> list[Result]:
    """Choose the best parameters on dev by each criterion, and score them on test.

    Returns:
        A result for each type of boundary and each criterion.

    Raises:
        ImportError: The package of the method is not installed.
    """
    segment, grid = method.load()
    losses: dict[BoundaryType, list[dict[Criterion, float]]] = {name: [] for name in dev.parts}
    for parameters in grid:
        predicted = segment_all(segment, dev.works, parameters)
        for name, part in dev.parts.items():
            losses[name].append(losses_of(part.layout, predicted))
    results, predictions = [], {}
    for name, part in test.parts.items():
        for criterion in CRITERIA:
            best = int(np.argmin([loss[criterion] for loss in losses[name]]))
            if best not in predictions:
                predictions[best] = segment_all(segment, test.works, grid[best])
            result = result_of(part, predictions[best], language, name)
            results.append(replace(result, chosen_by=criterion, parameters=grid[best]))
    return results


def losses_of(layout: Layout, predicted: NDArray[np.bool_]) -> dict[Criterion, float]:
    """Return the loss of predictions (n,) by each criterion; lower is better."""
    scores = score(layout, predicted)
    candidates = layout.is_candidate
    difference = int(predicted[candidates].sum()) - int(layout.labels[candidates].sum())
    return {"f1": -scores.f1, "pk": scores.pk, "count": abs(difference)}


def segment_all(
    segment: Segment, works: Sequence[Work], parameters: dict[str, Any]
) -> NDArray[np.bool_]:
    """Return the boundaries that a method finds, (n,) bool, in works with n sentences in total."""
    marks = [
        segment(work, **parameters) if len(work.sentences) > 1 else np.ones(1, np.bool_)
        for work in works
    ]
    return np.concatenate(marks)
