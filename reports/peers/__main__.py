"""Tunes the methods on the dev authors, scores them on the test authors and writes the records.

Usage: python -m reports.peers [METHOD ...]

The texts are the corpora of `make models` in the workspace in `SEGTOOL_HOME`. A method with a
record is not run again unless it is named.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache import encode_sentences, load_encoder, sentence_ids
from embedcache.encoders.threads import limit_threads
from embedcache.files import write_json
from recipes.build import RECIPES, read_recipes
from reports.authors import CRITERIA, Criterion, Result, language_part, reported_types, result_of
from reports.peers.methods import METHODS, RECORDS, Method, Segment
from reports.peers.works import Work
from segclf.corpus import BoundaryType, Corpus, Split
from segclf.corpus.layout import Layout
from segclf.scoring.metrics import score
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.workspace import Workspace

ENCODER = "e5-small:7"
DEV_SENTENCES = 500  # at the beginning of each work, because some methods are slow


@dataclass(frozen=True)
class Texts:
    """The works of one split in one language.

    Attributes:
        works: Works without their boundaries.
        parts: The same works with the boundaries of each type.
    """

    works: list[Work]
    parts: dict[BoundaryType, Corpus]


def main(*names: str) -> None:
    """Run the methods in the modules `names`; by default those that have no record."""
    chosen = [m for m in METHODS if m.module in names or (not names and not m.record.exists())]
    workspace = Workspace()
    texts = {}
    for recipe in read_recipes(RECIPES) if chosen else ():
        stored = workspace.load_corpus(recipe.name)
        for language in recipe.languages:
            texts[language] = [
                read_texts(workspace, stored, split, language, reported_types(recipe))
                for split in ("dev", "test")
            ]
    RECORDS.mkdir(parents=True, exist_ok=True)
    for method in chosen:
        results: list[Result] = []
        for language, (dev, test) in texts.items():
            started = time.perf_counter()
            results += compare(method, language, dev, test)
            seconds = time.perf_counter() - started
            print(f"{method.name}, {language}: {seconds:.0f} s", flush=True)
        write_json(method.record, [result.to_dict() for result in results], indent=1)


def read_texts(
    workspace: Workspace,
    stored: StoredCorpus,
    split: Split,
    language: str,
    types: Sequence[BoundaryType],
) -> Texts:
    """Read the works of a split in one language, and embed their sentences."""
    limit = DEV_SENTENCES if split == "dev" else None
    parts = {name: language_part(stored, split, name, language, limit=limit)[0] for name in types}
    part = parts[types[0]]
    vectors = embed(part.sentences, workspace)
    works = [
        Work(language, part.sentences[start:stop], vectors[start:stop])
        for start, stop in part.layout.documents
    ]
    return Texts(works, parts)


def embed(sentences: list[str], workspace: Workspace) -> NDArray[np.float32]:
    """Return the unit vectors (n, d) of sentences; the workspace's store keeps the vectors."""
    encoder = load_encoder(ENCODER)
    store = workspace.store(create=True)
    with limit_threads(1):
        encode_sentences(sentences, encoder, store, progress=True)
    vectors = store.vectors(encoder.fingerprint, sentence_ids(sentences))
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def compare(method: Method, language: str, dev: Texts, test: Texts) -> list[Result]:
    """Choose the best parameters on dev by each criterion, and score them on test.

    Returns:
        A result for each type of boundary and each criterion.
    """
    segment, grid = method.load()
    losses: dict[BoundaryType, list[dict[Criterion, float]]] = {name: [] for name in dev.parts}
    for parameters in grid:
        predicted = segment_all(segment, dev.works, parameters)
        for name, part in dev.parts.items():
            losses[name].append(losses_of(part.layout, predicted))
    results, predictions = [], {}
    for name, part in test.parts.items():
        for criterion in CRITERIA:
            best = int(np.argmin([loss[criterion] for loss in losses[name]]))
            if best not in predictions:
                predictions[best] = segment_all(segment, test.works, grid[best])
            result = result_of(part, predictions[best], language, name)
            results.append(replace(result, chosen_by=criterion, parameters=grid[best]))
    return results


def losses_of(layout: Layout, predicted: NDArray[np.bool_]) -> dict[Criterion, float]:
    """Return the loss of predictions (n,) by each criterion; lower is better."""
    scores = score(layout, predicted)
    candidates = layout.is_candidate
    difference = int(predicted[candidates].sum()) - int(layout.labels[candidates].sum())
    return {"f1": -scores.f1, "pk": scores.pk, "count": abs(difference)}


def segment_all(
    segment: Segment, works: Sequence[Work], parameters: dict[str, Any]
) -> NDArray[np.bool_]:
    """Return the boundaries that a method finds, (n,) bool, in works with n sentences in total."""
    marks = [
        segment(work, **parameters) if len(work.sentences) > 1 else np.ones(1, np.bool_)
        for work in works
    ]
    return np.concatenate(marks)


if __name__ == "__main__":
    main(*sys.argv[1:])
