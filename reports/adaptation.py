"""Writes `docs/adaptation.md`: scores of ready models after adaptation to a few pages of an author.

The authors are those of the dev or test split of the ready models' corpora, on whose texts the
models were not trained. The workspace `SEGTOOL_HOME` must have these corpora and their vectors,
which `make models` creates.

Usage: python -m reports.adaptation [dev | test]

The page shows the authors of test. With dev, on whose authors the settings were chosen, the tables
are printed instead.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipes.build import RECIPES, Recipe, read_recipes
from reports.authors import LANGUAGES
from reports.markdown import table
from segclf.corpus import BoundaryType, Split
from segclf.inputs.examples import Examples
from segclf.scoring.calibration import calibrate
from segclf.scoring.decoding import best_threshold, decode
from segclf.scoring.metrics import precision_recall_f1
from segclf.training.adaptation import adaptation_options
from segclf.training.loop import TrainedHead, train_head
from segclf.training.options import TrainingOptions
from segclf.workspace.ready import load_ready_model
from segclf.workspace.sources import Source, source_of
from segclf.workspace.vectors import examples_of
from segclf.workspace.workspace import Workspace

PAGE = Path(__file__).parents[1] / "docs" / "adaptation.md"
SIZES = (50, 200, 1000, 3000)
REST = 100  # minimum number of sentences to score on
DEV = 0.2  # share of the pages that form the dev split
RESAMPLES = 1000
METHODS = ("as is", "threshold", "from scratch", "adapted")

INTRODUCTION = f"""# Adaptation

`segtool train --from MODEL` starts from the weights of a ready model. This page shows how much this
training changes the scores for authors on whose texts the ready models were not trained. The first
50, 200, {SIZES[2]:,} or {SIZES[3]:,} sentences of an author ("the pages") are used for training;
the remaining sentences ("the rest") are scored. `python -m reports.adaptation` writes this file
from the workspace that `make models` creates; do not edit it by hand.

- as is: the ready model, without training on the pages.
- threshold: the ready model with the threshold that has the highest F1 on the pages.
- from scratch: `segtool train`. The last fifth of the pages is the dev split.
- adapted: `segtool train --from MODEL`, with the same splits.

The type of the boundaries is "any", or "paragraph" without lines of dialogue. F1 is the mean
over authors ± the standard deviation. The gain is the F1 of the adapted model minus that of the
ready model, with a 95% bootstrap percentile interval over authors ({RESAMPLES:,} resamples).
"Better" is the number of authors for whom the adapted model has the higher F1. An author is
included if the train split, the dev split and the rest each contain boundaries and sentences that
are not boundaries, and the rest has at least {REST} sentences.

"""


@dataclass(frozen=True)
class Pages:
    """Text of one author, with the boundaries of one type.

    Attributes:
        train: First part of the pages, for training.
        dev: Last part of the pages, for the choice of the epoch and the threshold.
        both: All pages.
        rest: The author's other sentences, which are scored.
    """

    train: Examples
    dev: Examples
    both: Examples
    rest: Examples


def main(split: Split = "test") -> None:
    """Write the page, or print it for dev, from the workspace `SEGTOOL_HOME`."""
    text = page(Workspace(), read_recipes(RECIPES), split)
    if split == "dev":
        print(text)
    else:
        PAGE.write_text(text, encoding="utf-8")
        print(PAGE)


def page(workspace: Workspace, recipes: Sequence[Recipe], split: Split) -> str:
    """Return the page, given a workspace with the corpora of the recipes and their vectors."""
    rows = []
    for recipe in recipes:
        model = load_ready_model(recipe.name)
        for boundary_type in model.runs:
            source = source_of(model, boundary_type)
            authors = _authors(workspace, source, boundary_type, split)
            for language in recipe.languages:
                for size in SIZES:
                    scores = [
                        score(pages, source, language)
                        for name, examples in authors.items()
                        if name.startswith(f"{language}/")
                        for pages in cut(examples, size)
                    ]
                    if len(scores) > 1:
                        rows.append([LANGUAGES[language], boundary_type, *_row(size, scores)])
                        print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    columns = ["language", "type", "sentences", "authors", *METHODS, "gain", "better"]
    return INTRODUCTION + table(columns, rows)


def _authors(
    workspace: Workspace, source: Source, boundary_type: BoundaryType, split: Split
) -> dict[str, Examples]:
    """Return the examples of each author by "language/author", in the order of the corpus."""
    corpus = workspace.load_corpus(source.name).corpus.of_type(boundary_type).select(split)
    examples = examples_of(corpus, workspace, source.run.encoder)
    names = ["/".join(document_id.split("/")[:2]) for document_id in corpus.document_ids]
    author_of = np.repeat(names, np.diff(corpus.offsets))
    return {name: examples.select(author_of == name) for name in dict.fromkeys(names)}


def cut(examples: Examples, size: int) -> Iterator[Pages]:
    """Yield the pages and the rest of an author's text; nothing if the text is not sufficient.

    The pages are the first `size` sentences. `INTRODUCTION` gives the conditions.
    """
    position = np.arange(len(examples.layout))
    edge = size - round(size * DEV)
    masks = (position < edge, (edge <= position) & (position < size), position < size)
    parts = [examples.select(mask) for mask in (*masks, position >= size)]
    if len(examples.layout) >= size + REST and all(p.layout.has_both_classes for p in parts):
        yield Pages(*parts)


def score(pages: Pages, source: Source, language: str) -> list[float]:
    """Return the F1 of each method in `METHODS` on the rest of an author's text."""
    start = source.load(language)
    rest, both = (
        calibrate(start.head.predict(part), start.temperature) for part in (pages.rest, pages.both)
    )
    candidates = pages.both.layout.is_candidate
    threshold, _ = best_threshold(both[candidates], pages.both.layout.labels[candidates])
    from_scratch = train_head(pages.train, pages.dev, TrainingOptions())
    options = adaptation_options(source.options, {})
    adapted = train_head(pages.train, pages.dev, options, start=start)
    return [
        _f1(pages.rest, rest, start.threshold),
        _f1(pages.rest, rest, threshold),
        *(_f1(pages.rest, *_predict(head, pages.rest)) for head in (from_scratch, adapted)),
    ]


def _predict(trained: TrainedHead, examples: Examples) -> tuple[NDArray[np.float32], float]:
    return trained.head.predict(examples), trained.best.threshold


def _f1(examples: Examples, probabilities: NDArray[np.float32], threshold: float) -> float:
    predicted = decode(examples.layout, probabilities, threshold)
    return precision_recall_f1(examples.layout, predicted)[2]


def _row(size: int, scores: Sequence[Sequence[float]]) -> list[str]:
    f1 = np.array(scores)  # (authors, methods)
    gains = f1[:, 3] - f1[:, 0]
    draws = np.random.default_rng(0).integers(len(gains), size=(RESAMPLES, len(gains)))
    low, high = np.percentile(gains[draws].mean(axis=1), [2.5, 97.5])
    return [
        f"{size:,}",
        str(len(gains)),
        *(f"{method.mean():.3f} ± {method.std(ddof=1):.3f}" for method in f1.T),
        f"{gains.mean():+.3f} ({low:+.3f} to {high:+.3f})",
        f"{int((gains > 0).sum())} of {len(gains)}",
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]
