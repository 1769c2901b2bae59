"""The runs and ready models of a report, scored on the same split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus import BoundaryType, Corpus, Split
from segclf.corpus.documents import LINE
from segclf.corpus.layout import Layout
from segclf.experiments.comparison import check_same_corpus, check_same_type
from segclf.scoring.decoding import decode
from segclf.tasks.evaluate import evaluate
from segclf.tasks.evaluate_model import evaluate_model
from segclf.tasks.evaluation import Evaluation, select_split
from segclf.tasks.models import Compute
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.ready import ReadyModel
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace


@dataclass(frozen=True)
class TypeResult:
    """Boundaries of one type, true and predicted.

    Attributes:
        evaluation: The scores that `segtool eval` shows.
        layout: Layout of the split's n sentences, with the true boundaries.
        predicted: (n,) bool, predicted boundaries.
        ranking: (n,) float32 scores that rank the candidates in a precision-recall curve: the
            probabilities; for boundaries of any type, 1 where the head for paragraphs predicts a
            boundary.
    """

    evaluation: Evaluation
    layout: Layout
    predicted: NDArray[np.bool_]
    ranking: NDArray[np.float32]


@dataclass(frozen=True)
class System:
    """A run or a ready model, scored on a split of m documents.

    Attributes:
        name: Name of the run or of the model.
        run: The run; for a ready model, the run of its head for boundaries of any type.
        is_run: Whether the system is a run.
        types: Result for each type of boundary.
        heads: (n,) float32 probabilities of each head.
        thresholds: The m thresholds of each head, one for each document.
    """

    name: str
    run: Run
    is_run: bool
    types: dict[BoundaryType, TypeResult]
    heads: dict[BoundaryType, NDArray[np.float32]]
    thresholds: dict[BoundaryType, tuple[float, ...]]


def score_systems(
    workspace: Workspace,
    sources: Sequence[Run | ReadyModel],
    *,
    split: Split,
    corpus_name: str | None,
    compute: Compute,
) -> tuple[StoredCorpus, list[System]]:
    """Score runs and ready models on the same split, each as `segtool eval` does.

    Args:
        workspace: Workspace with the corpus and its vectors.
        sources: Runs and ready models, at least one.
        split: Split to score on.
        corpus_name: Name of the corpus; None for the corpus of the runs, or, if there are only
            ready models, for the latest corpus.
        compute: Device, threads and progress display.

    Raises:
        UserError: A system is given twice, the runs cannot be compared, there is no such corpus,
            the corpus has no such split, has changed since a run was trained or is not embedded
            with the encoder of a system, or a run is damaged.
        StoreError: The store lacks the vectors.
    """
    names = [source.name for source in sources]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"{repeated} is given twice: name each run or model once")
    runs = [source for source in sources if isinstance(source, Run)]
    for other in runs[1:]:
        check_same_type(runs[0], other)
        if corpus_name is None:
            check_same_corpus(runs[0], other)
    stored = workspace.load_corpus(corpus_name or (runs[0].record.corpus if runs else None))
    main_type = main_type_of(sources)
    systems = []
    for source in sources:
        if isinstance(source, Run) and not source.is_typed:
            systems.append(_score_run(workspace, source, stored, split, corpus_name, compute))
        else:
            systems.append(
                _score_model(workspace, source, stored, split, corpus_name, main_type, compute)
            )
    return stored, systems


def main_type_of(sources: Sequence[Run | ReadyModel]) -> BoundaryType:
    """Return the type of boundary on which systems are compared: that of the runs, or "any"."""
    runs = [source for source in sources if isinstance(source, Run)]
    return runs[0].record.boundary_type if runs else "any"


def has_lines(corpus: Corpus) -> bool:
    """Return whether a corpus distinguishes lines from paragraphs, and contains lines."""
    return corpus.is_typed and bool((corpus.types == LINE).any())


def _score_run(
    workspace: Workspace,
    run: Run,
    stored: StoredCorpus,
    split: Split,
    corpus_name: str | None,
    compute: Compute,
) -> System:
    evaluation = evaluate(
        workspace,
        run,
        split=split,
        corpus_name=corpus_name,
        device=compute.device,
        threads=compute.threads,
        progress=compute.progress,
        stored=stored,
    )
    name = run.record.boundary_type
    layout = select_split(stored, split, name).layout
    probabilities = evaluation.probabilities
    predicted = decode(layout, probabilities, run.threshold)
    return System(
        name=run.name,
        run=run,
        is_run=True,
        types={name: TypeResult(evaluation, layout, predicted, probabilities)},
        heads={name: probabilities},
        thresholds={name: (run.threshold,) * len(layout.documents)},
    )


def _score_model(
    workspace: Workspace,
    model: Run | ReadyModel,
    stored: StoredCorpus,
    split: Split,
    corpus_name: str | None,
    main_type: BoundaryType,
    compute: Compute,
) -> System:
    scored = evaluate_model(
        workspace, model, split=split, corpus_name=corpus_name, compute=compute, stored=stored
    )
    heads = {name: scored.types[name].probabilities for name in model.runs}
    types: dict[BoundaryType, TypeResult] = {}
    for name, evaluation in scored.types.items():
        is_distinct = model.is_typed or has_lines(stored.corpus)
        if name not in ("any", main_type) and not is_distinct:
            continue  # the same boundaries as for "any", or none
        ranking = evaluation.probabilities
        if name == "any" and model.is_typed:
            ranking = np.where(scored.predicted["paragraph"], np.float32(1), ranking)
        layout = select_split(stored, split, name).layout
        types[name] = TypeResult(evaluation, layout, scored.predicted[name], ranking)
    return System(
        name=model.name,
        run=model.runs["any"],
        is_run=isinstance(model, Run),
        types=types,
        heads=heads,
        thresholds={
            name: tuple(model.thresholds_for(language)[name] for language in scored.languages)
            for name in heads
        },
    )
