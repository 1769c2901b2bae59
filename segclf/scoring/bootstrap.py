"""The paired bootstrap: confidence intervals for the differences between the scores of runs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segclf.corpus.layout import Layout
from segclf.scoring.metrics import pk_errors

RESAMPLES = 10_000
CONFIDENCE = 0.95
_CHUNK_COUNTS = 1 << 22  # number of counts gathered at once; it affects memory, but not results

# positions of the five counts of a unit
TRUE_POSITIVES, FALSE_POSITIVES, FALSE_NEGATIVES, PK, WEIGHT = range(5)


@dataclass(frozen=True)
class Resampling:
    """How the bootstrap resamples a split.

    Attributes:
        unit: "document"; or "block" (consecutive sentences) if only one document has more than one
            sentence.
        units: Number of units in the split: documents with more than one sentence; or blocks, one
            of which begins at each sentence.
        draws: Number of units drawn, with replacement, for each resample.
        block_length: Number of sentences in a block; None for documents.
    """

    unit: str
    units: int
    draws: int
    block_length: int | None


@dataclass(frozen=True)
class Difference:
    """Difference in one score between two groups of runs.

    Attributes:
        first: Mean score of the first group.
        second: Mean score of the second group.
        difference: `first` - `second`.
        low: Lower end of the confidence interval of the difference.
        high: Upper end of the confidence interval of the difference.
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


def units_of(
    layout: Layout, predictions: list[NDArray[np.bool_]]
) -> tuple[NDArray[np.float64], Resampling]:
    """Count correct and wrong predictions in each unit that the bootstrap draws.

    Args:
        layout: Layout with the true boundaries. At least one document has more than one sentence.
        predictions: Predicted boundaries of r runs, each (n,) bool.

    Returns:
        The counts, (u, r, 5) float64 for u units, and how to resample the units. The five counts
        are true positives, false positives, false negatives, and the numerator and denominator of
        Pk. These two are Pk and 1 for a document, 0 and 0 for a document too short for Pk, and the
        numbers of errors and of sentence pairs for a block.
    """
    documents = [
        np.stack(
            [_counts(layout.labels[start:stop], found[start:stop]) for found in predictions], axis=1
        )  # (n, r, 5)
        for start, stop in layout.documents
        if stop - start > 1  # a shorter document has no candidate
    ]
    return _blocks_of(documents[0]) if len(documents) == 1 else _documents_as_units(documents)


def _documents_as_units(
    documents: list[NDArray[np.float64]],
) -> tuple[NDArray[np.float64], Resampling]:
    units = np.stack([counts.sum(axis=0) for counts in documents])
    # Pk of a split is the mean over its documents
    units[..., PK] = pk_of_counts(units)
    # 0 for a document too short for Pk, which the mean leaves out
    units[..., WEIGHT] = units[..., WEIGHT] > 0
    return units, Resampling("document", len(units), len(units), None)


def _blocks_of(counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], Resampling]:
    """Sum the counts (n, r, 5) of a document over blocks, one of which begins at each sentence.

    A block that reaches the end of the document continues at its beginning (circular block
    bootstrap, Politis and Romano 1992, "A Circular Block-Resampling Procedure for Stationary
    Data").
    """
    n = len(counts)
    length = round(n**0.5)
    circular = np.tile(counts, (2, 1, 1))
    sums = np.concatenate([np.zeros_like(counts[:1]), np.cumsum(circular, axis=0)])
    blocks = sums[length : length + n] - sums[:n]
    return blocks, Resampling("block", n, -(-n // length), length)


def differences(
    units: NDArray[np.float64], draws: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Difference, Difference]:
    """Bootstrap the differences in mean F1 and mean Pk between two groups of runs.

    The confidence intervals are percentile intervals (Efron and Tibshirani 1993, "An Introduction
    to the Bootstrap").

    Args:
        units: (u, 2r, 5) counts of u units (see `units_of`), first for the r runs of one group,
            then for the r runs of the other.
        draws: Number of units in a resample.
        resamples: Number of resamples.
        seed: Random seed.

    Returns:
        The difference in mean F1 and the difference in mean Pk.
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
    """Return F1, of shape (...), for counts (..., 5).

    It is 0 if there are no true and no predicted boundaries.
    """
    numerator = 2 * counts[..., TRUE_POSITIVES]
    denominator = numerator + counts[..., FALSE_POSITIVES] + counts[..., FALSE_NEGATIVES]
    return numerator / np.maximum(denominator, 1)


def pk_of_counts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pk, of shape (...), for counts (..., 5).

    It is 0 if all documents are too short for it.
    """
    ratio: NDArray[np.float64] = counts[..., PK] / np.maximum(counts[..., WEIGHT], 1)
    return ratio


def _difference(observed: NDArray[np.float64], resampled: NDArray[np.float64]) -> Difference:
    tail = (1 - CONFIDENCE) / 2
    firsts, seconds = resampled.reshape(len(resampled), 2, -1).mean(axis=2).T
    low, high = np.quantile(firsts - seconds, [tail, 1 - tail])
    first, second = observed.reshape(2, -1).mean(axis=1).tolist()
    return Difference(first, second, first - second, float(low), float(high))


def _counts(labels: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the counts (n, 5) of the n sentences of one document."""
    counts = np.zeros((len(labels), 5))
    counts[:, TRUE_POSITIVES] = labels & predicted
    counts[:, FALSE_POSITIVES] = ~labels & predicted
    counts[:, FALSE_NEGATIVES] = labels & ~predicted
    counts[0] = 0  # not a candidate
    errors = pk_errors(labels, predicted)
    counts[: len(errors), PK] = errors
    counts[: len(errors), WEIGHT] = 1
    return counts
