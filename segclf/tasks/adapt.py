"""Adapt a model to texts whose paragraphs a reader has corrected, and score it before and after."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from embedcache import UserError, encode_sentences
from segclf.corpus import BoundaryType, Corpus, Document, Split
from segclf.corpus.documents import PARAGRAPH
from segclf.tasks.held_out import HeldOutLabels, HeldOutScores, predict_folds
from segclf.tasks.text_model import TextModel
from segclf.tasks.train import train_on
from segclf.training.adaptation import adaptation_options
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.encoders import load_referenced
from segclf.workspace.new_runs import NewRun, save_run
from segclf.workspace.ready import ReadyModel
from segclf.workspace.runs import Run
from segclf.workspace.sources import Source, check_is_head
from segclf.workspace.workspace import Workspace

FOLDS = 5
"""Number of parts into which the texts are divided for the cross-validation."""
FEWEST = 20
"""Minimum number of sentences to train on."""
FEW = 200
"""Number of sentences below which scores are uncertain; see docs/adaptation.md."""


@dataclass(frozen=True)
class CorrectedText:
    """A text whose paragraphs a reader has checked and corrected.

    Attributes:
        sentences: n sentences, without headings.
        labels: (n,) int8: 1 for each boundary; or, if paragraphs are distinguished from lines, 2
            for a paragraph and 1 for a line. All other sentences have 0.
    """

    sentences: list[str]
    labels: NDArray[np.int8]


@dataclass(frozen=True)
class Adaptation:
    """An adapted model.

    Attributes:
        run: Run of the adapted model.
        corpus: Name of the corpus with the texts.
        sentences: Number of sentences in the texts.
        boundaries: Number of boundaries in the texts, including the first sentence of each text.
        scored: Number of sentences that were scored; 0 if there are too few boundaries.
        before: Scores of the model from which training started; None if nothing was scored.
        after: Scores of the models of the cross-validation: each was trained on three fifths of the
            texts, with another fifth as its dev split, and scored on the remaining fifth. None if
            nothing was scored.
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
    """Train from a model on corrected texts, and save the texts as a corpus and the heads as a run.

    If the model has two heads, so has the run. A head for paragraphs is trained if the train split
    has both paragraphs and other sentences; otherwise, it is kept as it is.

    The texts, one after another, are divided into `FOLDS` parts of equal size. One of the parts is
    the dev split of the run; the run is trained on the others. The scores are those of a
    cross-validation: each part is scored with heads that were trained on three other parts, with
    the remaining part as their dev split.

    Args:
        workspace: Workspace for the vectors, the corpus and the run.
        model: Loaded model from which training starts.
        texts: Corrected texts in the language of the model.
        check: Function that is called before each fold and after each epoch. It may raise an error
            to stop the training.

    Raises:
        UserError: There are too few sentences or boundaries, the model is a fine-tuned Transformer,
            its weights are damaged, its encoder cannot be loaded or has changed, or the loss is not
            finite.
        StoreError: The store is damaged, read-only or of an earlier format.
    """
    check_is_head(model.model)
    sentences = sum(len(text.sentences) for text in texts)
    if sentences < FEWEST:
        raise UserError(
            f"check at least {FEWEST} sentences before you train (checked: {sentences})"
        )
    sources = _sources(model.model)
    stored = _embed(workspace, sources["any"], _with_dev(texts), model.language)
    trained = [name for name in sources if name == "any" or _has_both(stored.corpus, name)]
    folds = [_corpus_of(texts, _splits_of_parts((fold + 1) % FOLDS, fold)) for fold in range(FOLDS)]
    held: HeldOutLabels | None = None
    if all(_has_both(fold, name) for fold in folds for name in trained):
        held = predict_folds(workspace, model, sources, trained, folds, check)
    heads = {
        name: _train(workspace, stored, source, check)
        if name in trained
        else _keep(source, model.language)
        for name, source in sources.items()
    }
    run = save_run(workspace.runs, heads["any"], heads.get("paragraph"))
    return Adaptation(
        run=run,
        corpus=stored.name,
        sentences=sentences,
        # the first sentence of a text is a boundary, whatever its label
        boundaries=sum(1 + int(np.count_nonzero(text.labels[1:])) for text in texts),
        scored=held.candidates if held else 0,
        before=held.scores(held.before) if held else None,
        after=held.scores(held.after) if held else None,
        notes=tuple(_notes(sentences, run, trained, is_scored=held is not None)),
    )


def _sources(model: Run | ReadyModel) -> dict[BoundaryType, Source]:
    """Return the heads of a model.

    The thresholds of a ready model were chosen for all of its heads together.
    """
    thresholds = model.thresholds if isinstance(model, ReadyModel) else {}
    return {
        name: Source(model.name, run, thresholds.get(name, {})) for name, run in model.runs.items()
    }


def _has_both(corpus: Corpus, boundary_type: BoundaryType) -> bool:
    """Return whether the train split has both classes of candidates for a type of boundary."""
    if boundary_type == "paragraph" and not corpus.is_typed:
        return False
    return corpus.of_type(boundary_type).select("train").layout.has_both_classes


def _train(
    workspace: Workspace, stored: StoredCorpus, source: Source, check: Callable[[], None]
) -> NewRun:
    encoder = stored.encoder_of(source.name, source.run.encoder)
    options = adaptation_options(source.options, {})
    return train_on(workspace, stored, encoder, options, source=source, on_epoch=lambda _: check())


def _keep(source: Source, language: str) -> NewRun:
    """Return a head as it is, with its threshold for a language."""
    start = source.load(language)
    return NewRun(replace(source.run.record, threshold=start.threshold), start.head)


def _splits_of_parts(dev: int, test: int | None = None) -> list[Split]:
    """Return the split of each part, given the positions of the parts for dev and for test."""
    splits: list[Split] = ["train"] * FOLDS
    splits[dev] = "dev"
    if test is not None:
        splits[test] = "test"
    return splits


def _with_dev(texts: Sequence[CorrectedText]) -> Corpus:
    """Make the corpus of a run, in which one part of the texts is dev and the others are train.

    Dev is the last part for which both splits have both classes of candidates. If there is none, it
    is the last part for which train has both classes.

    Raises:
        UserError: Whichever part is dev, train does not have both classes.
    """
    choices = [_corpus_of(texts, _splits_of_parts(dev)) for dev in reversed(range(FOLDS))]
    needed: tuple[tuple[Split, ...], ...] = (("train", "dev"), ("train",))
    for splits in needed:
        for corpus in choices:
            if all(corpus.select(split).layout.has_both_classes for split in splits):
                return corpus
    raise UserError(
        "nothing can be learned from the checked sentences, because all of them or none of them "
        "have a boundary before them: check more text"
    )


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
    return any((text.labels == PARAGRAPH).any() for text in texts)


def _embed(workspace: Workspace, source: Source, corpus: Corpus, language: str) -> StoredCorpus:
    """Encode the sentences of a corpus with the encoder of a head, and save the corpus."""
    reference, record = source.run.encoder, source.run.record
    encoder = load_referenced(reference, workspace.encoders, source.run.path)
    with workspace.embedding():
        encode_sentences(corpus.sentences, encoder, workspace.store(create=True))
        workspace.locks.mkdir(exist_ok=True)
        with FileLock(workspace.locks / "corrections"):  # no other process takes the same name
            name = _free_name(workspace)
            workspace.save_corpus(name, corpus, record.sentence_rule, reference, language)
    return workspace.load_corpus(name)


def _free_name(workspace: Workspace) -> str:
    number = 1
    while workspace.corpus_file(f"corrections-{number:03d}").exists():
        number += 1
    return f"corrections-{number:03d}"


def _notes(
    sentences: int, run: Run, trained: Sequence[BoundaryType], *, is_scored: bool
) -> Iterator[str]:
    if not is_scored:
        yield "There are too few boundaries to score the model: check more of the text."
    elif sentences < FEW:
        yield (
            f"Few sentences were checked ({sentences}): the scores are uncertain. With fewer than "
            f"about {FEW} sentences, adaptation changes little."
        )
    if not run.record.has_dev_scores:
        yield (
            "There are too few boundaries to choose a threshold, so the threshold of the model was "
            "kept."
        )
    if len(trained) < len(run.runs):
        yield (
            "There are too few paragraphs to train on, so the model distinguishes them from lines "
            "as before."
        )
    if all(run.runs[name].record.best_epoch == 0 for name in trained):
        yield "Training did not improve the weights, so only the threshold was adapted."
