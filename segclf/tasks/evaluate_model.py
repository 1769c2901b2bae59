"""Scores of a ready model, or of a run with two heads, for every type of boundary."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segclf.corpus import BoundaryType, Split
from segclf.corpus.languages import guess_language_of_sentences
from segclf.scoring.metrics import SCORE_NAMES
from segclf.tasks.evaluation import Evaluation, corpus_to_score, score_prediction, select_split
from segclf.tasks.evaluation_files import save_evaluation
from segclf.tasks.find_types import TYPES, find_types
from segclf.tasks.models import Compute
from segclf.tasks.predict import Prediction, predict_types
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.ready import ReadyModel
from segclf.workspace.records import SplitCounts
from segclf.workspace.runs import Run
from segclf.workspace.vectors import examples_of
from segclf.workspace.workspace import Workspace


@dataclass(frozen=True)
class ModelEvaluation:
    """Scores of a ready model, or of a run that distinguishes paragraphs from lines, on one split.

    Attributes:
        model: Run or ready model that was scored.
        types: Evaluation for each type of boundary. "any" includes lines and paragraphs.
        predicted: For each type, (n,) bool, the predicted boundaries.
        languages: Code of the language of each document, on which the thresholds depend.
    """

    model: Run | ReadyModel
    types: dict[BoundaryType, Evaluation]
    predicted: dict[BoundaryType, NDArray[np.bool_]]
    languages: tuple[str, ...]

    def threshold(self, boundary_type: BoundaryType) -> float | None:
        """Return the threshold of a type; None if the documents have different thresholds.

        A type for which the model has no head, such as "line", has the threshold of "any".
        """
        name = boundary_type if boundary_type in self.model.runs else "any"
        thresholds = {self.model.thresholds_for(language)[name] for language in self.languages}
        return thresholds.pop() if len(thresholds) == 1 else None

    def to_dict(self, boundary_type: BoundaryType = "any") -> dict[str, Any]:
        """Return the content of `segtool eval --json`.

        Args:
            boundary_type: Type whose scores are at the top level. The key `types` has the scores
                for all types.
        """
        types = {
            name: evaluation.to_dict() | {"threshold": self.threshold(name)}
            for name, evaluation in self.types.items()
        }
        top_level = {**types[boundary_type], "run": self.model.name, "type": boundary_type}
        kept = ("boundaries", "threshold", *SCORE_NAMES, "baselines")
        return top_level | {
            "types": {name: {key: scores[key] for key in kept} for name, scores in types.items()}
        }


def evaluate_model(
    workspace: Workspace,
    model: Run | ReadyModel,
    *,
    split: Split = "test",
    corpus_name: str | None = None,
    compute: Compute | None = None,
    stored: StoredCorpus | None = None,
) -> ModelEvaluation:
    """Score a ready model, or a run that distinguishes paragraphs from lines, on a corpus.

    In a corpus without typed boundaries, each boundary counts as a boundary of every type. The
    scores of a run for boundaries of any type are saved; see `segclf.tasks.evaluate.evaluate`.

    Args:
        workspace: Workspace whose store has vectors of the model's encoder.
        model: Model to score.
        split: Split to score on.
        corpus_name: Name of the corpus; None for the corpus that the run was trained on, or, for a
            ready model, the latest.
        compute: Device, threads and progress display; None for the defaults.
        stored: Corpus, if it is already loaded.

    Raises:
        StoreError: The store lacks the vectors.
        UserError: There is no such corpus, it has no such split, the split has no candidates, the
            corpus has changed since the run was trained or is not embedded with the model's
            encoder, the model is damaged, or the device does not exist.
    """
    if isinstance(model, Run):
        stored = corpus_to_score(workspace, model, corpus_name, stored)
    stored = stored or workspace.load_corpus(corpus_name)
    encoder = stored.encoder_of(model.name, model.encoder)
    parts = {name: select_split(stored, split, name) for name in TYPES}
    part = parts["any"]
    compute = compute or Compute()
    examples = examples_of(part, workspace, encoder, compute.memory)
    predictions = predict_types(model, part, examples, compute)
    languages = [
        stored.language or guess_language_of_sentences(part.sentences[start:stop])
        for start, stop in part.layout.documents
    ]
    probabilities = {name: found.probabilities for name, found in predictions.items()}
    predicted = find_types(model, part.layout, probabilities, languages)
    types = {
        name: score_prediction(
            model.runs.get(name, model.runs["any"]),
            stored,
            split,
            parts[name].layout,
            _prediction_of(name, predictions),
            decided,
            _train_counts(model, name),
        )
        for name, decided in predicted.items()
    }
    if isinstance(model, Run):
        types["any"] = save_evaluation(workspace, types["any"])
    return ModelEvaluation(model, types, predicted, tuple(languages))


def _prediction_of(
    boundary_type: BoundaryType, predictions: dict[BoundaryType, Prediction]
) -> Prediction:
    """Return the prediction for a type of boundary.

    A model with one head has the same prediction for all types. With two heads, the probability of
    a line is that of a boundary of any type minus that of a paragraph, but at least 0.
    """
    any_type, paragraph = predictions["any"], predictions.get("paragraph")
    if boundary_type == "any" or paragraph is None:
        return any_type
    if boundary_type == "paragraph":
        return paragraph
    difference = np.maximum(any_type.probabilities - paragraph.probabilities, 0)
    return replace(any_type, probabilities=difference)


def _train_counts(model: Run | ReadyModel, boundary_type: BoundaryType) -> SplitCounts:
    """Return the size of the train split, with the number of boundaries of a type.

    The number of boundaries of any type is returned for every type if the model has one head, or
    two heads that were trained on different texts.
    """
    any_type = model.runs["any"].record.counts["train"]
    if boundary_type == "any" or not model.is_typed:
        return any_type
    paragraph = model.runs["paragraph"].record.counts["train"]
    if paragraph.sentences != any_type.sentences:
        return any_type  # an adaptation to a text with one type of boundary kept the second head
    if boundary_type == "paragraph":
        return paragraph
    # the first sentence of a document counts as a boundary of every type
    lines = any_type.boundaries - paragraph.boundaries + any_type.documents
    return replace(any_type, boundaries=lines)
