"""Statistics of a corpus: counts, lengths, duplicates."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus import SPLITS, Corpus, ReadOptions, read_corpus
from segclf.encoders import stored_vectors
from segclf.workspace import EncoderReference, Workspace

PERCENTILES = {"min": 0, "p10": 10, "median": 50, "p90": 90, "max": 100}


def find_corpus(
    target: str | None,
    workspace: Workspace,
    *,
    options: ReadOptions | None = None,
    format_name: str = "auto",
    split: str | None = None,
) -> tuple[str, Corpus, tuple[EncoderReference, ...]]:
    """Find a corpus by name in the workspace, or read it from a path.

    Args:
        target: Name, path, or "-" for standard input; None for the corpus embedded last.
        workspace: Workspace with the embedded corpora.
        options: How to read a path.
        format_name: Format of a path.
        split: Split of a path.

    Returns:
        Name and content of the corpus, and the encoders that embedded it; none if it was read
        from a path.

    Raises:
        UserError: There is no such corpus and no such path, or options for a path were given
            with a name.
    """
    if target is None or target in workspace.corpus_names():
        stored = workspace.load_corpus(target)
        if options not in (None, ReadOptions()) or format_name != "auto" or split is not None:
            raise UserError(
                f"{stored.name} is an embedded corpus, which was read already: leave out the "
                "options that say how to read a path"
            )
        return stored.name, stored.corpus, stored.encoders
    if target != "-" and not Path(target).exists():
        known = ", ".join(workspace.corpus_names()) or "none"
        raise UserError(f"{target}: no such file or embedded corpus; embedded: {known}")
    corpus = read_corpus(target, format_name=format_name, options=options, split=split)
    return Path(target).name, corpus, ()


def encoder_statistics(
    encoders: Sequence[EncoderReference], workspace: Workspace
) -> list[dict[str, Any]]:
    """Say what the store has of encoders; of joined encoders, of each part.

    Returns:
        For each `name`, `pooling`, `fingerprint` and `stored`, see
        `segclf.encoders.stored_vectors`.
    """
    parts = dict.fromkeys(part for encoder in encoders for part in encoder.parts)
    return [
        {**asdict(part), "stored": stored_vectors(workspace, part.fingerprint)} for part in parts
    ]


def corpus_statistics(corpus: Corpus) -> dict[str, Any]:
    """Return statistics of each split that is not empty.

    Returns:
        For each split: `documents`, `sentences`, `boundaries` and `paragraphs`;
        `sentence_characters` and `paragraph_sentences` (mean, minimum, percentiles and maximum of
        lengths); `duplicates` (sentences that occur earlier in the split) and `in_train` (sentences
        that also occur in train; None for train).
    """
    counts = corpus.counts()
    known = set(corpus.select("train").sentences)
    return {
        split: counts[split] | _split_statistics(corpus.select(split), known, split)
        for split in SPLITS
        if split in counts
    }


def paragraph_lengths(corpus: Corpus) -> NDArray[np.int64]:
    """Return the number of sentences of each paragraph, in order: (p,) int64."""
    return np.diff(np.append(np.flatnonzero(corpus.labels), len(corpus)))


def _split_statistics(part: Corpus, known: set[str], split: str) -> dict[str, Any]:
    paragraphs = paragraph_lengths(part)
    return {
        "paragraphs": len(paragraphs),
        "sentence_characters": _distribution(np.array([len(s) for s in part.sentences])),
        "paragraph_sentences": _distribution(paragraphs),
        "duplicates": len(part) - len(set(part.sentences)),
        "in_train": None
        if split == "train"
        else sum(sentence in known for sentence in part.sentences),
    }


def _distribution(lengths: NDArray[np.int64]) -> dict[str, float]:
    values = np.percentile(lengths, list(PERCENTILES.values()))
    return {"mean": float(lengths.mean()), **dict(zip(PERCENTILES, values.tolist(), strict=True))}
