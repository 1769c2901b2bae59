"""Is one run better than another, or is it chance? The paired bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus import Corpus, Split
from segclf.decoding import decode
from segclf.evaluation import probabilities_of
from segclf.metrics import pk_errors
from segclf.runs import Run
from segclf.workspace import Workspace

RESAMPLES = 10_000
CONFIDENCE = 0.95
FEW_DOCUMENTS = 10
_CHUNK_COUNTS = 1 << 22  # gathered at once; bounds memory, not results

# columns of a unit's counts
TRUE_POSITIVES, FALSE_POSITIVES, FALSE_NEGATIVES, PK, WEIGHT = range(5)


@dataclass(frozen=True)
class Resampling:
    """How a corpus is drawn anew.

    Attributes:
        unit: "document", or "block" of neighbouring sentences where there is one document only.
        units: how many there are to draw from.
        draws: how many are drawn, with replacement, for one resample.
        block_length: sentences of a block; None for documents.
    """

    unit: str
    units: int
    draws: int
    block_length: int | None


@dataclass(frozen=True)
class Difference:
    """How much higher a score of the first run is than of the second.

    Attributes:
        first: the score of the first run.
        second: that of the second.
        difference: first - second.
        low: lower end of the interval of the difference.
        high: upper end.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float

    @property
    def significant(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Comparison:
    """Two runs on the same sentences.

    Attributes:
        runs: names of the first and the second.
        corpus: name of the corpus.
        split: of it.
        documents: in the split.
        f1: the higher, the better.
        pk: the lower, the better.
        resampling: how the intervals came about.
    """

    runs: tuple[str, str]
    corpus: str
    split: Split
    documents: int
    f1: Difference
    pk: Difference
    resampling: Resampling

    def to_dict(self) -> dict[str, Any]:
        """Return what `segtool compare --json` prints."""
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

    Both runs are scored on the same resample, so what is easy or hard for both cancels out.
    Documents are drawn with replacement. One document has no others to be drawn: then blocks of
    neighbouring sentences are drawn from it, its end joined to its beginning (the circular block
    bootstrap, Politis and Romano 1992), about as many as a block has sentences. Such an interval
    speaks of sentences like those of this one document.

    Args:
        workspace: with both runs.
        first: a run.
        second: another one, trained on the same corpus.
        split: to compare on.
        device: see `segclf.prediction.predict_corpus`; used where a run was not scored before.
        threads: likewise.

    Raises:
        UserError: the runs are of different corpora, or the corpus has changed since.
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
    """Compare the mean scores of two systems, each trained with as many seeds, as `compare` does.

    The interval is over texts, with these seeds; that over seeds is another matter.

    Args:
        workspace: with the runs, all of one corpus.
        firsts: runs of one system.
        seconds: as many of the other.
        split: to compare on.
        device: see `compare`.
        threads: likewise.

    Returns:
        The difference of the mean F1, that of the mean Pk, and how the intervals came about.
    """
    if len(firsts) != len(seconds) or not firsts:
        raise ValueError(f"{len(firsts)} runs and {len(seconds)}: as many of each, and some")
    runs = [*firsts, *seconds]
    part = workspace.load_corpus(runs[0].record["corpus"]).corpus.select(split)
    predictions = [
        decode(
            probabilities_of(workspace, run, split, device=device, threads=threads),
            run.threshold,
            part.offsets,
        )
        for run in runs
    ]
    units, how = units_of(part, predictions)
    f1, pk = differences(units, how.draws)
    return f1, pk, how


def units_of(
    part: Corpus, predictions: list[NDArray[np.bool_]]
) -> tuple[NDArray[np.float64], Resampling]:
    """Count what the scores are made of, for each unit that is drawn.

    Args:
        part: the documents that were segmented.
        predictions: (n,) bool of each of r runs.

    Returns:
        (u, r, 5): true positives, false positives, false negatives; and what Pk is the ratio of:
        of a document its Pk and 1, of a block its mistakes and its sentences. And how to draw.
    """
    documents = [
        np.stack([_counts(part.labels[a:b], p[a:b]) for p in predictions], axis=1)  # (n, r, 5)
        for a, b in pairwise(part.offsets)
        if b - a > 1  # as in the scores: there is nothing to decide in a shorter one
    ]
    if not documents:
        raise UserError("no document of this split has two sentences: there is nothing to compare")
    if len(documents) > 1:
        units = np.stack([counts.sum(axis=0) for counts in documents])
        units[..., PK] = pk_of_counts(units)  # the score is the mean over documents
        units[..., WEIGHT] = units[..., WEIGHT] > 0  # none where it is too short for Pk
        return units, Resampling("document", len(units), len(units), None)
    (counts,) = documents
    n = len(counts)
    length = round(n**0.5)
    sums = np.concatenate([np.zeros_like(counts[:1]), np.cumsum(np.tile(counts, (2, 1, 1)), 0)])
    blocks = sums[length : length + n] - sums[:n]  # block i: sentences i to i + length - 1
    return blocks, Resampling("block", n, -(-n // length), length)


def differences(
    units: NDArray[np.float64], draws: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Difference, Difference]:
    """Bootstrap the differences of the mean F1 and the mean Pk between two groups of runs.

    Args:
        units: (u, 2r, 5) counts, see `units_of`: r runs of the first group, then r of the second.
        draws: units a resample.
        resamples: how many.
        seed: of the draws.
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
    """Return F1 of (..., 5) counts, 0 where there is no boundary."""
    twice = 2 * counts[..., TRUE_POSITIVES]
    whole = twice + counts[..., FALSE_POSITIVES] + counts[..., FALSE_NEGATIVES]
    return twice / np.maximum(whole, 1)


def pk_of_counts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pk of (..., 5) counts."""
    ratio: NDArray[np.float64] = counts[..., PK] / np.maximum(counts[..., WEIGHT], 1)
    return ratio


def _difference(observed: NDArray[np.float64], resampled: NDArray[np.float64]) -> Difference:
    tail = (1 - CONFIDENCE) / 2
    firsts, seconds = resampled.reshape(len(resampled), 2, -1).mean(axis=2).T
    low, high = np.quantile(firsts - seconds, [tail, 1 - tail])
    first, second = observed.reshape(2, -1).mean(axis=1).tolist()
    return Difference(first, second, first - second, float(low), float(high))


def _counts(labels: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the counts (n, 5) of the sentences of one document."""
    counts = np.zeros((len(labels), 5))
    counts[:, TRUE_POSITIVES] = labels & predicted
    counts[:, FALSE_POSITIVES] = ~labels & predicted
    counts[:, FALSE_NEGATIVES] = labels & ~predicted
    counts[0] = 0  # no decision
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
            "compare runs of one corpus"
        )
    if None not in digests and digests[0] != digests[1]:
        raise UserError(
            f"the corpus {names[0]} changed between {first.name} and {second.name}: "
            "train both on the same text"
        )
