"""Comparison of two runs by the paired bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus import Split
from segclf.decoding import decode
from segclf.evaluation import probabilities_of
from segclf.layout import Layout
from segclf.metrics import pk_errors
from segclf.runs import Run
from segclf.workspace import Workspace

RESAMPLES = 10_000
CONFIDENCE = 0.95
FEW_DOCUMENTS = 10
_CHUNK_COUNTS = 1 << 22  # counts gathered at once; limits memory, does not change results

# columns of the counts of a unit
TRUE_POSITIVES, FALSE_POSITIVES, FALSE_NEGATIVES, PK, WEIGHT = range(5)


@dataclass(frozen=True)
class Resampling:
    """How the bootstrap resamples a split.

    Attributes:
        unit: "document", or "block" of neighbouring sentences if there is only one document.
        units: Number of units in the split.
        draws: Number of units drawn, with replacement, for each resample.
        block_length: Sentences in a block; None for documents.
    """

    unit: str
    units: int
    draws: int
    block_length: int | None


@dataclass(frozen=True)
class Difference:
    """Difference of one score between two runs.

    Attributes:
        first: Score of the first run.
        second: Score of the second run.
        difference: first - second.
        low: Lower end of the confidence interval of the difference.
        high: Upper end of the confidence interval.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float

    @property
    def significant(self) -> bool:
        """Whether zero is outside the confidence interval."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Comparison:
    """Scores of two runs on the same split.

    Attributes:
        runs: Names of the first and the second run.
        corpus: Name of the corpus.
        split: Split of the corpus.
        documents: Number of documents in the split.
        f1: F1 of both runs; higher is better.
        pk: Pk of both runs; lower is better.
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
        how = self.resampling
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
            "unit": how.unit,
            "units": how.units,
            "block_length": how.block_length,
            "few_documents": how.unit == "document" and how.units < FEW_DOCUMENTS,
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

    Both runs are scored on the same resamples, so the differences between texts cancel out.
    Documents are drawn with replacement. If the split is one document, blocks of neighbouring
    sentences are drawn instead, and the end of the document is joined to its beginning (circular
    block bootstrap, Politis and Romano 1992). A block has about as many sentences as there are
    blocks. Such an interval applies to similar sentences, not to other documents.

    Args:
        workspace: Workspace of both runs.
        first: A run.
        second: Another run, trained on the same corpus.
        split: Split to compare on.
        device: Device for runs that were not scored before; see
            `segclf.prediction.predict_corpus`.
        threads: Number of CPU threads for them.

    Raises:
        UserError: The runs are of different corpora, or the corpus has changed since training.
    """
    _check_same_corpus(first, second)
    part = workspace.load_corpus(first.record["corpus"]).corpus.select(split)
    f1, pk, how = compare_means(
        workspace, [first], [second], split=split, device=device, threads=threads
    )
    return Comparison(
        (first.name, second.name),
        first.record["corpus"],
        split,
        len(part.document_ids),
        f1,
        pk,
        how,
    )


def compare_means(
    workspace: Workspace,
    firsts: Sequence[Run],
    seconds: Sequence[Run],
    *,
    split: Split = "test",
    device: str | None = None,
    threads: int | None = None,
) -> tuple[Difference, Difference, Resampling]:
    """Compare the mean scores of two systems over several seeds, as `compare` does for two runs.

    The interval reflects the variation between texts, not the variation between seeds.

    Args:
        workspace: Workspace of the runs, all of one corpus.
        firsts: Runs of one system.
        seconds: The same number of runs of the other system.
        split: Split to compare on.
        device: See `compare`.
        threads: See `compare`.

    Returns:
        Difference of the mean F1, difference of the mean Pk, and how the split was resampled.

    Raises:
        ValueError: The numbers of runs differ, or there are none.
    """
    if len(firsts) != len(seconds) or not firsts:
        raise ValueError(
            f"expected the same number of runs of both systems, got {len(firsts)} and "
            f"{len(seconds)}"
        )
    runs = [*firsts, *seconds]
    part = workspace.load_corpus(runs[0].record["corpus"]).corpus.select(split)
    predictions = [
        decode(
            part.layout,
            probabilities_of(workspace, run, split, device=device, threads=threads),
            run.threshold,
        )
        for run in runs
    ]
    units, how = units_of(part.layout, predictions)
    f1, pk = differences(units, how.draws)
    return f1, pk, how


def units_of(
    layout: Layout, predictions: list[NDArray[np.bool_]]
) -> tuple[NDArray[np.float64], Resampling]:
    """Count errors in each unit that the bootstrap draws.

    Args:
        layout: Layout with the true boundaries.
        predictions: (n,) bool boundaries of each of r runs.

    Returns:
        (u, r, 5) counts of u units: true positives, false positives, false negatives, and
        numerator and denominator of Pk (Pk and 1 for a document; errors and pairs of sentences for
        a block). And how to resample them.

    Raises:
        UserError: No document has a candidate.
    """
    documents = [
        np.stack([_counts(layout.labels[a:b], p[a:b]) for p in predictions], axis=1)  # (n, r, 5)
        for a, b in layout.documents
        if b - a > 1  # a shorter document has no candidate
    ]
    if not documents:
        raise UserError("nothing to compare: no document of this split has two sentences")
    if len(documents) > 1:
        units = np.stack([counts.sum(axis=0) for counts in documents])
        units[..., PK] = pk_of_counts(units)  # Pk is the mean over documents
        units[..., WEIGHT] = units[..., WEIGHT] > 0  # except those that are too short for Pk
        return units, Resampling("document", len(units), len(units), None)
    (counts,) = documents
    n = len(counts)
    length = round(n**0.5)
    sums = np.concatenate([np.zeros_like(counts[:1]), np.cumsum(np.tile(counts, (2, 1, 1)), 0)])
    blocks = sums[length : length + n] - sums[:n]  # block i begins with sentence i
    return blocks, Resampling("block", n, -(-n // length), length)


def differences(
    units: NDArray[np.float64], draws: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Difference, Difference]:
    """Bootstrap the differences of mean F1 and mean Pk between two groups of runs.

    Args:
        units: (u, 2r, 5) counts, see `units_of`, of r runs of each group.
        draws: Number of units in a resample.
        resamples: Number of resamples.
        seed: Random seed.
    """
    random = np.random.default_rng(seed)
    sums = np.empty((resamples, *units.shape[1:]))
    chunk = max(_CHUNK_COUNTS // (draws * units[0].size), 1)
    for start in range(0, resamples, chunk):
        stop = min(start + chunk, resamples)
        chosen = random.integers(0, len(units), (stop - start, draws))
        sums[start:stop] = units[chosen].sum(axis=1)
    observed = units.sum(axis=0)
    f1, pk = (_difference(ratio(observed), ratio(sums)) for ratio in (f1_of_counts, pk_of_counts))
    return f1, pk


def f1_of_counts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F1 (...) of counts (..., 5), 0 if there are no boundaries."""
    twice = 2 * counts[..., TRUE_POSITIVES]
    whole = twice + counts[..., FALSE_POSITIVES] + counts[..., FALSE_NEGATIVES]
    return twice / np.maximum(whole, 1)


def pk_of_counts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pk (...) of counts (..., 5)."""
    ratio: NDArray[np.float64] = counts[..., PK] / np.maximum(counts[..., WEIGHT], 1)
    return ratio


def _difference(observed: NDArray[np.float64], resampled: NDArray[np.float64]) -> Difference:
    tail = (1 - CONFIDENCE) / 2
    firsts, seconds = resampled.reshape(len(resampled), 2, -1).mean(axis=2).T
    low, high = np.quantile(firsts - seconds, [tail, 1 - tail])
    first, second = observed.reshape(2, -1).mean(axis=1).tolist()
    return Difference(first, second, first - second, float(low), float(high))


def _counts(labels: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the counts (n, 5) of each sentence of one document."""
    counts = np.zeros((len(labels), 5))
    counts[:, TRUE_POSITIVES] = labels & predicted
    counts[:, FALSE_POSITIVES] = ~labels & predicted
    counts[:, FALSE_NEGATIVES] = labels & ~predicted
    counts[0] = 0  # not a candidate
    errors = pk_errors(labels, predicted)
    counts[: len(errors), PK] = errors
    counts[: len(errors), WEIGHT] = 1
    return counts


def _check_same_corpus(first: Run, second: Run) -> None:
    names = [run.record["corpus"] for run in (first, second)]
    digests = [run.record.get("corpus_digest") for run in (first, second)]
    if names[0] != names[1]:
        raise UserError(
            f"{first.name} was trained on the corpus {names[0]}, {second.name} on {names[1]}: "
            "choose runs of the same corpus"
        )
    if None not in digests and digests[0] != digests[1]:
        raise UserError(
            f"the corpus {names[0]} changed between {first.name} and {second.name}: "
            "train both on the same text"
        )
