"""Comparison of two runs by the paired bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus import Split
from segclf.corpus.layout import Layout
from segclf.scoring.bootstrap import (
    CONFIDENCE,
    RESAMPLES,
    Difference,
    Resampling,
    differences,
    units_of,
)
from segclf.scoring.decoding import decode
from segclf.tasks.evaluate import probabilities_of
from segclf.tasks.evaluate_model import evaluate_model
from segclf.tasks.evaluation import select_split
from segclf.tasks.models import Compute
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace

FEW_DOCUMENTS = 10
"""Number of documents below which an interval is reported as imprecise."""


@dataclass(frozen=True)
class Comparison:
    """Scores of two runs on the same split.

    Attributes:
        runs: Names of the first and the second run.
        corpus: Name of the corpus.
        split: Split of the corpus.
        documents: Number of documents in the split.
        f1: F1 of the two runs, and the difference; a higher F1 is better.
        pk: Pk of the two runs, and the difference; a lower Pk is better.
        resampling: How the split was resampled.
    """

    runs: tuple[str, str]
    corpus: str
    split: Split
    documents: int
    f1: Difference
    pk: Difference
    resampling: Resampling

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `segtool compare --json`."""
        resampling = self.resampling
        return {
            "runs": list(self.runs),
            "corpus": self.corpus,
            "split": self.split,
            "documents": self.documents,
            **{
                name: {**vars(difference), "significant": difference.significant}
                for name, difference in (("f1", self.f1), ("pk", self.pk))
            },
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
            "unit": resampling.unit,
            "units": resampling.units,
            "block_length": resampling.block_length,
            "few_documents": resampling.unit == "document" and resampling.units < FEW_DOCUMENTS,
        }


def compare(
    workspace: Workspace,
    first: Run,
    second: Run,
    *,
    split: Split = "test",
    device: str | None = None,
    threads: int | None = None,
) -> Comparison:
    """Compare two runs by the paired bootstrap (Efron and Tibshirani 1993, percentile intervals).

    Both runs are scored on the same resamples, so variation between texts that affects both runs
    equally cancels out. Documents of more than one sentence are drawn with replacement. If there is
    only one, blocks of consecutive sentences are drawn instead, and the end of the document is
    joined to its beginning (circular block bootstrap, Politis and Romano 1992). For n sentences,
    the block length is about sqrt(n). An interval from a single document reflects the variation
    within that document only and does not generalize to other documents.

    Args:
        workspace: Workspace that contains both runs.
        first: First run.
        second: Another run, trained on the same corpus.
        split: Split to compare on.
        device: Device for runs that have not been scored yet; see `segclf.tasks.models.Compute`.
        threads: Number of CPU threads for these runs.

    Raises:
        UserError: The runs are the same, or they were trained on different corpora or on different
            types of boundaries; the corpus is missing or has changed since training; it has no
            such split, or no document in the split has more than one sentence; or the store lacks
            vectors that a run needs.
    """
    if first.path.resolve() == second.path.resolve():
        raise UserError(f"{first.name} cannot be compared with itself: choose another run")
    check_same_corpus(first, second)
    check_same_type(first, second)
    stored = workspace.load_corpus(first.record.corpus)
    f1, pk, resampling = _compare(
        workspace, stored, [first], [second], split=split, device=device, threads=threads
    )
    return Comparison(
        runs=(first.name, second.name),
        corpus=stored.name,
        split=split,
        documents=len(stored.corpus.select(split).document_ids),
        f1=f1,
        pk=pk,
        resampling=resampling,
    )


def compare_means(
    workspace: Workspace,
    first_runs: Sequence[Run],
    second_runs: Sequence[Run],
    *,
    split: Split,
) -> Difference:
    """Compare the mean F1 of two systems over several seeds, as `compare` does for two runs.

    The interval reflects the variation between texts, not the variation between seeds.

    Args:
        workspace: Workspace of the runs. All of them were trained on the same corpus.
        first_runs: Runs of one system.
        second_runs: The same number of runs of the other system.
        split: Split to compare on.

    Raises:
        ValueError: The numbers of runs differ, or there are none.
        UserError: The corpus is missing or has changed since training; it has no such split, or no
            document in the split has more than one sentence; or the store lacks vectors that a run
            needs.
    """
    if len(first_runs) != len(second_runs) or not first_runs:
        raise ValueError(
            f"expected the same number of runs for both systems, got {len(first_runs)} and "
            f"{len(second_runs)}"
        )
    stored = workspace.load_corpus(first_runs[0].record.corpus)
    f1, _, _ = _compare(workspace, stored, first_runs, second_runs, split=split)
    return f1


def _compare(
    workspace: Workspace,
    stored: StoredCorpus,
    first_runs: Sequence[Run],
    second_runs: Sequence[Run],
    *,
    split: Split,
    device: str | None = None,
    threads: int | None = None,
) -> tuple[Difference, Difference, Resampling]:
    layout = select_split(stored, split, first_runs[0].record.boundary_type).layout
    compute = Compute(device, threads)
    predictions = [
        _predict(workspace, run, stored, split, layout, compute)
        for run in (*first_runs, *second_runs)
    ]
    units, resampling = units_of(layout, predictions)
    f1, pk = differences(units, resampling.draws)
    return f1, pk, resampling


def _predict(
    workspace: Workspace,
    run: Run,
    stored: StoredCorpus,
    split: Split,
    layout: Layout,
    compute: Compute,
) -> NDArray[np.bool_]:
    """Return the predicted boundaries (n,) of a split of n sentences, as `segtool eval` does."""
    if run.is_typed:  # the boundaries depend on both heads
        evaluation = evaluate_model(workspace, run, split=split, compute=compute, stored=stored)
        return evaluation.predicted["any"]
    probabilities = probabilities_of(
        workspace, run, split, stored, device=compute.device, threads=compute.threads
    )
    return decode(layout, probabilities, run.threshold)


def check_same_corpus(first: Run, second: Run) -> None:
    """Raise UserError unless two runs were trained on the same text."""
    names = [run.record.corpus for run in (first, second)]
    digests = [run.record.corpus_digest for run in (first, second)]
    if names[0] != names[1]:
        raise UserError(
            f"{first.name} was trained on the corpus {names[0]}, {second.name} on {names[1]}: "
            "choose runs trained on the same corpus"
        )
    if "" not in digests and digests[0] != digests[1]:
        raise UserError(
            f"the corpus {names[0]} changed between the training of {first.name} and that of "
            f"{second.name}: train both on the same text"
        )


def check_same_type(first: Run, second: Run) -> None:
    """Raise UserError unless two runs predict the same type of boundary."""
    types = [run.record.boundary_type for run in (first, second)]
    if types[0] != types[1]:
        raise UserError(
            f"{first.name} predicts boundaries of type {types[0]}, {second.name} of type "
            f"{types[1]}: choose runs of the same type"
        )
