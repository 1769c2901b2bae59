"""Statistics of a corpus: counts, lengths and duplicates."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segclf.corpus import SPLITS, Corpus

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
