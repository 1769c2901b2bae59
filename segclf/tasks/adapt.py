"""Adapt a model to texts whose paragraphs a reader has corrected, and score it before and after."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError, encode_sentences
from segclf.corpus import Corpus, Document, Split
from segclf.corpus.layout import Layout
from segclf.scoring.decoding import decode
from segclf.scoring.metrics import Scores, score
from segclf.tasks.text_model import TextModel
from segclf.tasks.train import train_on
from segclf.training.adaptation import adaptation_options
from segclf.training.epochs import Epoch
from segclf.training.loop import train_head
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.encoders import load_referenced
from segclf.workspace.ready import ReadyModel
from segclf.workspace.runs import Run
from segclf.workspace.sources import Source, source_of
from segclf.workspace.vectors import examples_of
from segclf.workspace.workspace import Workspace

FOLDS = 5
"""Number of parts of the cross-validation."""
FEWEST = 20
"""Minimum number of sentences to train on."""
FEW = 200
"""Number of sentences below which scores are uncertain; see docs/adaptation.md."""

_FINAL_SPLITS: tuple[Split, ...] = ("train", "train", "train", "train", "dev")


_FoldPrediction = tuple[Layout, NDArray[np.bool_], NDArray[np.bool_]]
"""Layout of the test split of a fold, and (n,) predictions of the model and of the adapted head."""


@dataclass(frozen=True)
class CorrectedText:
    """A text whose paragraphs a reader has checked and corrected.

    Attributes:
        sentences: n sentences, without headings.
        labels: (n,) int8: 1 for each boundary; or, if paragraphs are distinguished from lines, 2
            for a paragraph and 1 for a line.
    """

    sentences: list[str]
    labels: NDArray[np.int8]


@dataclass(frozen=True)
class HeldOutScores:
    """Scores on sentences that were not trained on.

    Attributes:
        scores: Scores of a model.
        errors: Number of sentences at which the model was wrong.
    """

    scores: Scores
    errors: int


@dataclass(frozen=True)
class Adaptation:
    """An adapted model.

    Attributes:
        run: Run of the adapted model, trained on all texts.
        corpus: Name of the corpus with the texts.
        sentences: Number of sentences of the texts.
        boundaries: Number of boundaries in them.
        scored: Number of sentences that were scored; 0 if there are too few boundaries.
        before: Scores of the model from which training started; None if there are too few
            boundaries.
        after: Scores of models that were trained like the run: each was trained on four fifths of
            the texts and scored on the remaining fifth. None if there are too few boundaries.
        notes: Notes that help a reader to judge the scores.
    """

    run: Run
    corpus: str
    sentences: int
    boundaries: int
    scored: int
    before: HeldOutScores | None
    after: HeldOutScores | None
    notes: tuple[str, ...]


def adapt(
    workspace: Workspace,
    model: TextModel,
    texts: Sequence[CorrectedText],
    check: Callable[[], None] = lambda: None,
) -> Adaptation:
    """Train from a model on corrected texts, and save the texts as a corpus and the head as a run.

    The scores are those of a cross-validation: the texts, one after another, are cut into `FOLDS`
    parts of equal size, and each part is scored with a head that was trained on the other parts.
    The run itself is trained on all parts.

    Args:
        workspace: Workspace for the vectors, the corpus and the run.
        model: Loaded model from which training starts.
        texts: The corrected texts. They are in the language of the model.
        check: Function that is called often, and may raise an error to stop the training.

    Raises:
        UserError: There are too few sentences or boundaries, the model is not a head, or its
            encoder has changed.
    """
    check_adaptable(model.model)
    sentences = sum(len(text.sentences) for text in texts)
    if sentences < FEWEST:
        raise UserError(
            f"{sentences} sentences are checked: check at least {FEWEST} before you train"
        )
    source = _source(model.model)
    stored = _embed(workspace, source, _corpus_of(texts, _FINAL_SPLITS), model.language)
    folds = [_corpus_of(texts, _splits_of(fold)) for fold in range(FOLDS)]
    predicted: list[_FoldPrediction] = []
    if all(fold.select("train").layout.has_both_classes for fold in folds):
        predicted = [_predict_fold(workspace, model, source, fold, check) for fold in folds]
    encoder = stored.encoder_of(source.name, source.run.encoder)
    options = adaptation_options(source.options, {})
    run = train_on(workspace, stored, encoder, options, source=source, on_epoch=lambda _: check())
    before, after = (_held_out_scores(predicted, which) if predicted else None for which in (1, 2))
    return Adaptation(
        run=run,
        corpus=stored.name,
        sentences=sentences,
        # the first sentence of a text is a boundary, whatever its label
        boundaries=sum(1 + int(np.count_nonzero(text.labels[1:])) for text in texts),
        scored=sum(int(layout.is_candidate.sum()) for layout, _, _ in predicted),
        before=before,
        after=after,
        notes=_notes(sentences, run, is_scored=bool(predicted)),
    )


def check_adaptable(model: Run | ReadyModel) -> None:
    """Check that training can start from a model.

    Raises:
        UserError: The model is not a head.
    """
    if isinstance(model, Run) and model.kind != "head":
        raise UserError(f"{model.name} is a fine-tuned Transformer: choose a head or a ready model")


def _source(model: Run | ReadyModel) -> Source:
    return source_of(model, "any") if isinstance(model, ReadyModel) else Source(model.name, model)


def _splits_of(fold: int) -> list[Split]:
    """Return the split of each part: test for the part that is scored, dev for the next part."""
    splits: list[Split] = ["train"] * FOLDS
    splits[fold], splits[(fold + 1) % FOLDS] = "test", "dev"
    return splits


def _corpus_of(texts: Sequence[CorrectedText], split_of_part: Sequence[Split]) -> Corpus:
    """Make a corpus from the parts of the texts, given the split of each part.

    Adjacent parts in the same split are joined.
    """
    ends = np.cumsum([len(text.sentences) for text in texts]).tolist()
    edges = np.linspace(0, ends[-1], FOLDS + 1).round().astype(int).tolist()
    documents, splits = [], []
    for number, (text, end) in enumerate(zip(texts, ends, strict=True), 1):
        size = len(text.sentences)
        first = end - size
        for split, group in groupby(range(FOLDS), key=split_of_part.__getitem__):
            parts = list(group)
            start, stop = max(edges[parts[0]] - first, 0), min(edges[parts[-1] + 1] - first, size)
            if stop > start:
                name = f"text {number}, sentences {start + 1} to {stop}"
                part = text.sentences[start:stop], text.labels[start:stop]
                documents.append(Document(name, *part, is_typed=_is_typed(texts)))
                splits.append(split)
    return Corpus.of(documents, splits)


def _is_typed(texts: Sequence[CorrectedText]) -> bool:
    return any((text.labels > 1).any() for text in texts)


def _embed(workspace: Workspace, source: Source, corpus: Corpus, language: str) -> StoredCorpus:
    """Encode the sentences with the encoder of the model, and save the corpus."""
    reference, record = source.run.encoder, source.run.record
    encoder = load_referenced(reference, workspace.encoders, source.run.path)
    with workspace.embedding():
        encode_sentences(corpus.sentences, encoder, workspace.store(create=True))
        name = _free_name(workspace)
        workspace.save_corpus(name, corpus, record.sentence_rule, reference, language)
    return workspace.load_corpus(name)


def _free_name(workspace: Workspace) -> str:
    number = 1
    while workspace.corpus_file(f"corrections-{number:03d}").exists():
        number += 1
    return f"corrections-{number:03d}"


def _predict_fold(
    workspace: Workspace,
    model: TextModel,
    source: Source,
    corpus: Corpus,
    check: Callable[[], None],
) -> _FoldPrediction:
    """Predict the test split with the model, and with a head trained on the other splits."""
    check()

    def stop(_: Epoch) -> None:
        check()

    train, dev, test = (
        examples_of(corpus.select(split), workspace, source.run.encoder)
        for split in ("train", "dev", "test")
    )
    start = source.load(model.language)
    options = adaptation_options(source.options, {})
    trained = train_head(train, dev, options, stop, start=start)
    after = decode(test.layout, trained.head.predict(test), trained.best.threshold)
    part = corpus.select("test")
    documents = [model.as_read(part.sentences[a:b]) for a, b in part.layout.documents]
    predicted = model.predict_documents(documents).probabilities
    return test.layout, decode(test.layout, predicted, model.threshold), after


def _held_out_scores(folds: list[_FoldPrediction], which: int) -> HeldOutScores:
    """Score predictions for all folds together, given their position in `_FoldPrediction`."""
    sizes = np.concatenate([np.diff(layout.offsets) for layout, _, _ in folds])
    labels = np.concatenate([layout.labels for layout, _, _ in folds])
    layout = Layout(labels, np.append(0, np.cumsum(sizes)).astype(np.int64))
    predicted = np.concatenate([fold[which] for fold in folds])
    wrong = (predicted != layout.labels) & layout.is_candidate
    return HeldOutScores(score(layout, predicted), int(wrong.sum()))


def _notes(sentences: int, run: Run, *, is_scored: bool) -> tuple[str, ...]:
    notes = []
    if not is_scored:
        notes.append("There are too few boundaries to score the model: check more of the text.")
    elif sentences < FEW:
        notes.append(
            f"{sentences} sentences are few: the scores are uncertain, and adaptation changes "
            f"little below about {FEW}."
        )
    if run.record.best_epoch == 0:
        notes.append("Training did not improve the weights, so only the threshold was adapted.")
    return tuple(notes)
