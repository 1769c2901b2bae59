"""Find the boundaries of each type with the heads of a ready model."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from segclf.corpus import BoundaryType
from segclf.corpus.layout import Layout
from segclf.workspace.ready import ReadyModel

TYPES: tuple[BoundaryType, ...] = ("any", "line", "paragraph")


def find_types(
    model: ReadyModel,
    layout: Layout,
    probabilities: Mapping[BoundaryType, NDArray[np.float32]],
    languages: Sequence[str],
) -> dict[BoundaryType, NDArray[np.bool_]]:
    """Find the boundaries of every type.

    A sentence begins a paragraph if the head for paragraphs says so. Otherwise it begins a line if
    the head for any boundary says so. A model with one head does not distinguish the types.

    Args:
        model: Ready model.
        layout: Layout of the documents, with n sentences; its labels are not used.
        probabilities: (n,) float32 for each head of the model.
        languages: Language of each document, on which the thresholds depend.

    Returns:
        (n,) bool for each type in `TYPES`. The first sentence of a document is a boundary of every
        type.
    """
    sizes = np.diff(layout.offsets)
    found = {
        name: probabilities[name]
        >= np.repeat([model.threshold(name, language) for language in languages], sizes)
        for name in model.runs
    }
    if not model.is_typed:
        return dict.fromkeys(TYPES, layout.mark_document_starts(found["any"]))
    paragraph = found["paragraph"]
    types: dict[BoundaryType, NDArray[np.bool_]] = {
        "any": found["any"] | paragraph,
        "line": found["any"] & ~paragraph,
        "paragraph": paragraph,
    }
    return {name: layout.mark_document_starts(mask) for name, mask in types.items()}
