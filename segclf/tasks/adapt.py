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

_FINAL: tuple[Split, ...] = ("train", "train", "train", "train", "dev")


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
        errors: Number of sentences at which it was wrong.
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
        before: The model from which training started; None if nothing was scored.
        after: Models that were trained like the run, each on four fifths of the texts and scored on
            the last one; None if nothing was scored.
        notes: What a reader should know about the scores.
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
    parts of equal size, and each part is scored with a head that was trained on the others. The run
    itself is trained on all parts.

    Args:
        workspace: Workspace for the vectors, the corpus and the run.
        model: Loaded model from which training starts.
        texts: The corrected texts. They are in the language of the model.
        check: Function that is called often and may raise an error to stop.

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
    stored = _embed(workspace, source, _corpus_of(texts, _FINAL), model.language)
    folds = [_roles(fold) for fold in range(FOLDS)]
    parts = [_corpus_of(texts, roles) for roles in folds]
    held: list[tuple[Layout, NDArray[np.bool_], NDArray[np.bool_]]] = []
    if all(part.select("train").layout.has_both_classes for part in parts):
        held = [_score_fold(workspace, model, source, part, check) for part in parts]
    encoder = stored.encoder_of(source.name, source.run.encoder)
    options = adaptation_options(source.options, {})
    run = train_on(workspace, stored, encoder, options, source=source, on_epoch=lambda _: check())
    before, after = (_held_out_scores(held, which) if held else None for which in (1, 2))
    return Adaptation(
        run=run,
        corpus=stored.name,
        sentences=sentences,
        # the first sentence of a text is a boundary, whatever its label
        boundaries=sum(1 + int(np.count_nonzero(text.labels[1:])) for text in texts),
        scored=sum(int(layout.is_candidate.sum()) for layout, _, _ in held),
        before=before,
        after=after,
        notes=_notes(sentences, run, is_scored=bool(held)),
    )


def check_adaptable(model: Run | ReadyModel) -> None:
    """Raise UserError unless training can start from a model."""
    if isinstance(model, Run) and model.kind != "head":
        raise UserError(f"{model.name} is a fine-tuned Transformer: choose a head or a ready model")


def _source(model: Run | ReadyModel) -> Source:
    return source_of(model, "any") if isinstance(model, ReadyModel) else Source(model.name, model)


def _roles(fold: int) -> list[Split]:
    """Return the split of each part: one is scored, the next one is dev."""
    roles: list[Split] = ["train"] * FOLDS
    roles[fold], roles[(fold + 1) % FOLDS] = "test", "dev"
    return roles


def _corpus_of(texts: Sequence[CorrectedText], roles: Sequence[Split]) -> Corpus:
    """Make a corpus in which each part of the texts has a role; adjacent parts are joined."""
    ends = np.cumsum([len(text.sentences) for text in texts]).tolist()
    edges = np.linspace(0, ends[-1], FOLDS + 1).round().astype(int).tolist()
    documents, splits = [], []
    for number, (text, end) in enumerate(zip(texts, ends, strict=True), 1):
        size = len(text.sentences)
        first = end - size
        for role, group in groupby(range(FOLDS), key=roles.__getitem__):
            own = list(group)
            start, stop = max(edges[own[0]] - first, 0), min(edges[own[-1] + 1] - first, size)
            if stop > start:
                name = f"text {number}, sentences {start + 1} to {stop}"
                part = text.sentences[start:stop], text.labels[start:stop]
                documents.append(Document(name, *part, is_typed=_is_typed(texts)))
                splits.append(role)
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


def _score_fold(
    workspace: Workspace,
    model: TextModel,
    source: Source,
    corpus: Corpus,
    check: Callable[[], None],
) -> tuple[Layout, NDArray[np.bool_], NDArray[np.bool_]]:
    """Predict the part of a fold with the model, and with a head trained on the other parts."""
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


def _held_out_scores(
    folds: list[tuple[Layout, NDArray[np.bool_], NDArray[np.bool_]]], which: int
) -> HeldOutScores:
    """Score the predictions for the parts of all folds together."""
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
