"""Scores of a model on held-out sentences, before and after adaptation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segclf.corpus import BoundaryType, Corpus
from segclf.corpus.documents import LINE, PARAGRAPH
from segclf.corpus.layout import Layout
from segclf.scoring.calibration import calibrate
from segclf.scoring.metrics import Scores, score
from segclf.tasks.find_types import predict_labels
from segclf.tasks.text_model import TextModel
from segclf.training.adaptation import CalibratedHead, adaptation_options
from segclf.training.loop import train_head
from segclf.workspace.sources import Source
from segclf.workspace.vectors import examples_of
from segclf.workspace.workspace import Workspace

_LABELS: dict[BoundaryType, tuple[int, ...]] = {
    "any": (LINE, PARAGRAPH),
    "line": (LINE,),
    "paragraph": (PARAGRAPH,),
}


@dataclass(frozen=True)
class HeldOutScores:
    """Scores on held-out sentences.

    Attributes:
        types: Scores of a model by type of boundary. "any" is always present. If any true label is
            PARAGRAPH, "line" and "paragraph" are present too, each only if at least one candidate
            has this label.
        errors: Number of candidates whose predicted label is wrong.
    """

    types: dict[BoundaryType, Scores]
    errors: int


@dataclass(frozen=True)
class HeldOutLabels:
    """True and predicted labels of the n sentences in the test splits of a cross-validation.

    Attributes:
        offsets: (m + 1,) int64 offsets of the m documents.
        true: (n,) int8 typed labels, or 1 for each boundary.
        before: (n,) int8, labels predicted by the model from which training starts.
        after: (n,) int8, labels predicted by the adapted models; the model of a fold was trained on
            the train split of that fold and predicts its test split.
    """

    offsets: NDArray[np.int64]
    true: NDArray[np.int8]
    before: NDArray[np.int8]
    after: NDArray[np.int8]

    @property
    def candidates(self) -> int:
        """Number of sentences that are scored."""
        return int(Layout.unlabelled(self.offsets).is_candidate.sum())

    def scores(self, predicted: NDArray[np.int8]) -> HeldOutScores:
        """Score predicted labels (n,)."""
        is_candidate = Layout.unlabelled(self.offsets).is_candidate
        types: dict[BoundaryType, Scores] = {}
        for name, labels in _LABELS.items():
            true = np.isin(self.true, labels)
            has_types = bool((self.true == PARAGRAPH).any())
            if name == "any" or (has_types and true[is_candidate].any()):
                types[name] = score(Layout(true, self.offsets), np.isin(predicted, labels))
        return HeldOutScores(types, int((predicted != self.true)[is_candidate].sum()))


def predict_folds(
    workspace: Workspace,
    model: TextModel,
    sources: Mapping[BoundaryType, Source],
    trained: Sequence[BoundaryType],
    folds: Sequence[Corpus],
    check: Callable[[], None],
) -> HeldOutLabels:
    """Predict the labels of the test split of every fold, before and after adaptation.

    They are predicted with the model, and again with its heads after adaptation to the fold.

    Args:
        workspace: Workspace with the vectors.
        model: Loaded model from which training starts.
        sources: The heads of the model.
        trained: Types of the heads that are adapted; the others are kept.
        folds: The folds, each with a train, a dev and a test split.
        check: Function that is called before each fold and after each epoch. It may raise an error
            to stop the training.

    Raises:
        StoreError: The store lacks a vector.
        UserError: The weights of a head are damaged, or a head cannot be trained; see
            `segclf.training.loop.train_head`.
    """
    parts = [_predict_fold(workspace, model, sources, trained, fold, check) for fold in folds]
    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    true, before, after = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("true", "before", "after")
    )
    return HeldOutLabels(np.append(0, np.cumsum(sizes)).astype(np.int64), true, before, after)


def _predict_fold(
    workspace: Workspace,
    model: TextModel,
    sources: Mapping[BoundaryType, Source],
    trained: Sequence[BoundaryType],
    fold: Corpus,
    check: Callable[[], None],
) -> HeldOutLabels:
    check()
    test = fold.select("test")
    documents = [model.as_read(test.sentences[a:b]) for a, b in test.layout.documents]
    before = predict_labels(model.predict_types(documents), model.thresholds)
    heads = {
        name: _adapt_head(workspace, source, fold.of_type(name), model.language, check)
        if name in trained
        else source.load(model.language)
        for name, source in sources.items()
    }
    examples = examples_of(test, workspace, model.run.encoder)
    probabilities = {
        name: calibrate(head.head.predict(examples), head.temperature)
        for name, head in heads.items()
    }
    thresholds = {name: head.threshold for name, head in heads.items()}
    after = predict_labels(probabilities, thresholds)
    true = test.types if model.is_typed else test.labels.astype(np.int8)
    return HeldOutLabels(test.offsets, true, before, after)


def _adapt_head(
    workspace: Workspace, source: Source, fold: Corpus, language: str, check: Callable[[], None]
) -> CalibratedHead:
    """Adapt a head to the train and dev splits of a fold.

    The labels of the fold must be the boundaries of the head's type.
    """
    train, dev = (
        examples_of(fold.select(split), workspace, source.run.encoder) for split in ("train", "dev")
    )
    options = adaptation_options(source.options, {})
    start = source.load(language)
    adapted = train_head(train, dev, options, lambda _: check(), start=start)
    return CalibratedHead(adapted.head, adapted.best.calibrated_threshold, adapted.best.temperature)
