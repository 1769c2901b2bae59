"""What a corpus is made of: counts, lengths, duplicates."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
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
    """Find a corpus by its name in the workspace, else read it from a path.

    Args:
        target: a name, a path, or "-"; by default the corpus embedded last.
        workspace: where embedded corpora are.
        options: how to read a path.
        format_name: likewise.
        split: likewise.

    Returns:
        Its name, its text, and the encoders that embedded it; none if it was read from a path.

    Raises:
        UserError: it is neither.
    """
    if target is None or target in workspace.corpus_names():
        stored = workspace.load_corpus(target)
        return stored.name, stored.corpus, stored.encoders
    if target != "-" and not Path(target).exists():
        known = ", ".join(workspace.corpus_names()) or "none"
        raise UserError(f"{target}: no such file, and no embedded corpus either; there is: {known}")
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
    """Count sentences and boundaries, measure lengths, find duplicates.

    Returns:
        For each split that has a document: `documents`, `sentences`, `boundaries`, `paragraphs`
        (a document's first sentence always begins one), `sentence_characters` and
        `paragraph_sentences` (mean, minimum, percentiles, maximum), `duplicates` (sentences that
        stand in the split before) and `in_train` (sentences that train has too).
    """
    counts = corpus.counts()
    known = set(corpus.select("train").sentences)
    return {
        split: counts[split] | _split_statistics(corpus.select(split), known, split)
        for split in SPLITS
        if split in counts
    }


def paragraph_lengths(corpus: Corpus) -> NDArray[np.int64]:
    """Return the sentences of each paragraph, in order."""
    edges = [
        np.append(np.flatnonzero(np.append(True, corpus.labels[start + 1 : stop])), stop - start)
        for start, stop in pairwise(corpus.offsets)
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *(np.diff(edge) for edge in edges)])


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
