"""Statistics of a corpus: counts, lengths and duplicates."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segclf.corpus import SPLITS, Corpus, Split
from segclf.corpus.layout import paragraph_lengths

_MANY_SHARED = 0.1
"""Minimum share of a split's sentences that also occur in train at which a warning is given."""

_FEW_BOUNDARIES = 50
"""Number of boundaries below which scores on a split are uncertain."""

_PERCENTILES = {"min": 0, "p10": 10, "median": 50, "p90": 90, "max": 100}


def corpus_statistics(corpus: Corpus) -> dict[str, Any]:
    """Compute the statistics of each split that is not empty.

    Returns:
        For each split, a dictionary with the numbers of `documents`, `sentences`, `boundaries` and
        `paragraphs`; the mean, minimum, percentiles and maximum of `sentence_characters` and
        `paragraph_sentences`; the number of `duplicates`, sentences that occur earlier in the
        split; and `in_train`, the number of sentences that also occur in train (None for train).
    """
    counts = corpus.counts()
    in_train = _counts_in_train(corpus)
    return {
        split: {
            **counts[split],
            **_split_statistics(corpus.select(split)),
            "in_train": in_train.get(split),
        }
        for split in SPLITS
        if split in counts
    }


def corpus_warnings(corpus: Corpus) -> list[str]:
    """Return a warning for each property that makes a corpus unsuitable for training or scoring."""
    counts = corpus.counts()
    warnings = [
        f"the {split} split shares {shared:,} of its {counts[split]['sentences']:,} sentences with "
        "train, so its scores may be too high: remove duplicate texts, or keep them in one split"
        for split, shared in _counts_in_train(corpus).items()
        if shared >= _MANY_SHARED * counts[split]["sentences"]
    ]
    return warnings + few_boundaries_warnings(counts)


def few_boundaries_warnings(counts: Mapping[Split, Mapping[str, int]]) -> list[str]:
    """Return a warning for each split with few boundaries, given `Corpus.counts`."""
    found = (few_boundaries_warning(split, part["boundaries"]) for split, part in counts.items())
    return [warning for warning in found if warning]


def few_boundaries_warning(split: str, boundaries: int) -> str | None:
    """Return a warning if a split has few boundaries; None otherwise."""
    if boundaries >= _FEW_BOUNDARIES:
        return None
    effect = "a head learns little from it" if split == "train" else "scores on it are uncertain"
    count = "1 boundary" if boundaries == 1 else f"{boundaries} boundaries"
    return f"the {split} split has only {count}, so {effect}: add more text if you can"


def _counts_in_train(corpus: Corpus) -> dict[Split, int]:
    """Count the sentences of each split other than train that also occur in train."""
    train = set(corpus.select("train").sentences)
    return {
        split: sum(sentence in train for sentence in corpus.select(split).sentences)
        for split in corpus.counts()
        if split != "train"
    }


def _split_statistics(part: Corpus) -> dict[str, Any]:
    paragraphs = paragraph_lengths(part.labels)
    characters = np.array([len(sentence) for sentence in part.sentences])
    return {
        "paragraphs": len(paragraphs),
        "sentence_characters": _distribution(characters),
        "paragraph_sentences": _distribution(paragraphs),
        "duplicates": len(part) - len(set(part.sentences)),
    }


def _distribution(lengths: NDArray[np.int64]) -> dict[str, float]:
    values = np.percentile(lengths, list(_PERCENTILES.values()))
    return {"mean": float(lengths.mean()), **dict(zip(_PERCENTILES, values.tolist(), strict=True))}
