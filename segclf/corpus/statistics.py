"""Statistics of a corpus: counts, lengths and duplicates."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segclf.corpus import SPLITS, Corpus, Split

MANY_SHARED = 0.1
"""Share of the sentences of a split that also occur in train, from which on there is a warning."""

FEW_BOUNDARIES = 50
"""Number of boundaries below which scores on a split are uncertain."""

PERCENTILES = {"min": 0, "p10": 10, "median": 50, "p90": 90, "max": 100}


def corpus_statistics(corpus: Corpus) -> dict[str, Any]:
    """Compute the statistics of each split that is not empty.

    Returns:
        For each split a dictionary with the numbers of `documents`, `sentences`, `boundaries` and
        `paragraphs`; the mean, minimum, percentiles and maximum of `sentence_characters` and
        `paragraph_sentences`; the number of `duplicates`, sentences that occur earlier in the
        split; and `in_train`, the number of sentences that also occur in train (None for train).
    """
    counts = corpus.counts()
    train = set(corpus.select("train").sentences)
    return {
        split: counts[split] | _split_statistics(corpus.select(split), train, split)
        for split in SPLITS
        if split in counts
    }


def corpus_warnings(corpus: Corpus) -> list[str]:
    """Return a warning for each property that makes a corpus unsuitable for training or scoring."""
    train = set(corpus.select("train").sentences)
    warnings = []
    for split, counts in corpus.counts().items():
        if split != "train":
            shared = sum(sentence in train for sentence in corpus.select(split).sentences)
            if shared >= MANY_SHARED * counts["sentences"]:
                warnings.append(
                    f"{shared:,} of {counts['sentences']:,} sentences of the {split} split are "
                    "also in train, so its scores may be too high: remove duplicate texts, or "
                    "keep them in one split"
                )
    return warnings + split_warnings(corpus.counts())


def split_warnings(counts: Mapping[Split, Mapping[str, int]]) -> list[str]:
    """Return a warning for each split with few boundaries, given `Corpus.counts`."""
    found = (few_boundaries(split, numbers["boundaries"]) for split, numbers in counts.items())
    return [warning for warning in found if warning]


def few_boundaries(split: str, boundaries: int) -> str | None:
    """Return a warning if a split has fewer than `FEW_BOUNDARIES` boundaries; otherwise None."""
    if boundaries >= FEW_BOUNDARIES:
        return None
    effect = "a head learns little from it" if split == "train" else "scores on it are uncertain"
    count = "1 boundary" if boundaries == 1 else f"{boundaries} boundaries"
    return f"the {split} split has only {count}, so {effect}: add more text if you can"


def paragraph_lengths(corpus: Corpus) -> NDArray[np.int64]:
    """Return the number of sentences in each of the p paragraphs, in order: (p,) int64."""
    return np.diff(np.append(np.flatnonzero(corpus.labels), len(corpus)))


def _split_statistics(part: Corpus, train: set[str], split: str) -> dict[str, Any]:
    paragraphs = paragraph_lengths(part)
    characters = np.array([len(sentence) for sentence in part.sentences])
    return {
        "paragraphs": len(paragraphs),
        "sentence_characters": _distribution(characters),
        "paragraph_sentences": _distribution(paragraphs),
        "duplicates": len(part) - len(set(part.sentences)),
        "in_train": None
        if split == "train"
        else sum(sentence in train for sentence in part.sentences),
    }


def _distribution(lengths: NDArray[np.int64]) -> dict[str, float]:
    values = np.percentile(lengths, list(PERCENTILES.values()))
    return {"mean": float(lengths.mean()), **dict(zip(PERCENTILES, values.tolist(), strict=True))}
