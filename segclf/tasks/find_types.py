"""Find the boundaries of each type with the heads of a model."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from segclf.corpus import BoundaryType
from segclf.corpus.documents import LINE, PARAGRAPH
from segclf.corpus.layout import Layout
from segclf.workspace.ready import ReadyModel
from segclf.workspace.runs import Run

TYPES: tuple[BoundaryType, ...] = ("any", "line", "paragraph")


def find_types(
    model: Run | ReadyModel,
    layout: Layout,
    probabilities: Mapping[BoundaryType, NDArray[np.float32]],
    languages: Sequence[str],
) -> dict[BoundaryType, NDArray[np.bool_]]:
    """Find the boundaries of every type.

    A sentence begins a paragraph if the head for paragraphs predicts a boundary. Otherwise, it
    begins a line if the head for boundaries of any type predicts one. A model with one head does
    not distinguish the types: all of them have the same boundaries.

    Args:
        model: Run or ready model.
        layout: Layout of the documents, with n sentences; its labels are not used.
        probabilities: For each head of the model, (n,) float32.
        languages: Code of the language of each document, on which the thresholds depend.

    Returns:
        For each type in `TYPES`, (n,) bool. The first sentence of a document is a boundary of every
        type.
    """
    sizes = np.diff(layout.offsets)
    by_document = [model.thresholds_for(language) for language in languages]
    thresholds = {
        name: np.repeat(np.array([by_head[name] for by_head in by_document], np.float32), sizes)
        for name in model.runs
    }
    if not model.is_typed:
        found = probabilities["any"] >= thresholds["any"]
        return dict.fromkeys(TYPES, layout.mark_document_starts(found))
    raised, paragraph = combine(probabilities, thresholds)
    found = raised >= thresholds["any"]
    types: dict[BoundaryType, NDArray[np.bool_]] = {
        "any": found,
        "line": found & ~paragraph,
        "paragraph": paragraph,
    }
    return {name: layout.mark_document_starts(mask) for name, mask in types.items()}


def combine(
    probabilities: Mapping[BoundaryType, NDArray[np.float32]],
    thresholds: Mapping[BoundaryType, NDArray[np.float32] | float],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Combine the two heads of a model of typed boundaries.

    If the head for paragraphs predicts a boundary, there is a boundary, whatever the other head
    predicts.

    Args:
        probabilities: For each head, (n,) float32.
        thresholds: For each head, (n,) float32 or one number.

    Returns:
        (n,) float32, the probability of a boundary of any type, which is at least its threshold if
        a paragraph begins; and (n,) bool, whether a paragraph begins.
    """
    any_type = probabilities["any"]
    is_paragraph = probabilities["paragraph"] >= thresholds["paragraph"]
    raised = np.where(is_paragraph, np.maximum(any_type, thresholds["any"]), any_type)
    return raised, is_paragraph


def predict_labels(
    probabilities: Mapping[BoundaryType, NDArray[np.float32]],
    thresholds: Mapping[BoundaryType, float],
) -> NDArray[np.int8]:
    """Predict the label of each sentence from the probabilities of the heads.

    Args:
        probabilities: For each head, (n,) float32.
        thresholds: Threshold of each head.

    Returns:
        (n,) int8 typed labels; without a head for paragraphs, 1 for a boundary and 0 otherwise.
    """
    if "paragraph" not in probabilities:
        return (probabilities["any"] >= thresholds["any"]).astype(np.int8)
    raised, is_paragraph = combine(probabilities, thresholds)
    is_line = raised >= thresholds["any"]
    return np.where(is_paragraph, np.int8(PARAGRAPH), np.int8(LINE) * is_line)
