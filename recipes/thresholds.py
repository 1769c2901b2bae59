"""Chooses the thresholds of a ready model: one for each head and language, on dev."""

import numpy as np
from numpy.typing import NDArray

from segclf.corpus import BoundaryType
from segclf.scoring.decoding import best_threshold
from segclf.tasks.evaluation import select_split
from segclf.tasks.models import Compute
from segclf.tasks.predict import predict_types
from segclf.workspace.ready import ReadyModel
from segclf.workspace.vectors import examples_of
from segclf.workspace.workspace import Workspace

_DIGITS = 4  # decimal places of a threshold


def choose_thresholds(
    model: ReadyModel, workspace: Workspace, corpus_name: str
) -> dict[BoundaryType, dict[str, float]]:
    """Choose the thresholds with the highest F1 of each type on the dev split of a corpus.

    The threshold for boundaries of any type is chosen last, given the paragraphs that the other
    head finds: those are boundaries, whatever the probability of a boundary of any type.

    Args:
        model: Heads of the model.
        workspace: Workspace with the vectors.
        corpus_name: Name of the corpus, whose document ids begin with the language.

    Returns:
        Thresholds for each head by language.

    Raises:
        StoreError: The store lacks the vectors.
        UserError: There is no such corpus, or it has no dev split.
    """
    stored = workspace.load_corpus(corpus_name)
    part = select_split(stored, "dev", "any")
    examples = examples_of(part, workspace, model.encoder)
    predictions = predict_types(model, part, examples, Compute())
    languages = np.repeat([name.split("/")[0] for name in part.document_ids], np.diff(part.offsets))
    thresholds: dict[BoundaryType, dict[str, float]] = {name: {} for name in model.runs}
    for language in model.languages:
        chosen = part.layout.is_candidate & (languages == language)
        is_paragraph: NDArray[np.bool_] = np.zeros(chosen.sum(), dtype=np.bool_)
        for name in sorted(model.runs, reverse=True):  # "paragraph" before "any"
            labels = select_split(stored, "dev", name).labels[chosen]
            probabilities = predictions[name].probabilities[chosen]
            combined = np.where(is_paragraph, np.float32(1), probabilities)
            threshold = round(best_threshold(combined, labels)[0], _DIGITS)
            is_paragraph = probabilities >= threshold
            thresholds[name][language] = threshold
    return thresholds
