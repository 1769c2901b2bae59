"""Write `docs/unseen-authors.md`: scores of the ready models on authors they were not trained on.

Everything on the page comes from the runs and the saved probabilities of `make models`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipes.build import RECIPES, Recipe, read_recipes, trained_model
from reports.markdown import table
from segclf.corpus import Corpus, Document
from segclf.scoring.metrics import Scores, score
from segclf.tasks.evaluate import select_split
from segclf.tasks.evaluate_model import evaluate_model
from segclf.tasks.find_types import TYPES
from segclf.workspace.workspace import Workspace

PAGE = Path(__file__).parents[1] / "docs" / "unseen-authors.md"
RESAMPLES = 1000
WORST = 10
_COMMAS = ",、，"
LANGUAGES = {"de": "German", "en": "English", "es": "Spanish", "fr": "French", "ja": "Japanese"}

INTRODUCTION = f"""# Unseen authors

This page shows how well the ready models do on authors whose texts they have never seen (the test
split). `make models` trains the models and writes the page from run records; do not edit it by
hand.

The epoch and the threshold were chosen on other unseen authors (the dev split). F1 is computed from
the boundaries of all authors together. The interval is the 95% percentile interval of a bootstrap
over authors ({RESAMPLES:,} resamples). Pk and WD (WindowDiff) are means over works; lower is
better. "Everywhere" is the F1 of a boundary before every sentence, the best trivial baseline on
these texts. "Better" is the number of authors on whom the F1 of the model is higher than that of
this baseline.

A line break in the original text always ends a sentence. Where it divides a sentence, for example
before a quotation, the first part has no final punctuation. This gives the boundary away, although
in a text without line breaks, this position would not even be a candidate. "Complete" is the F1
over those candidates that do not follow a letter, a digit or a comma.

At a boundary of type `any`, a paragraph or a line of dialogue begins. At a boundary of type
`paragraph`, a paragraph begins; Japanese texts indent its first line. At a boundary of type `line`,
another line begins, such as a line of dialogue.
"""


@dataclass(frozen=True)
class Author:
    """Counts of one author.

    Attributes:
        name: Language and id of the author.
        sentences: Number of candidates.
        correct: Number of predicted boundaries that are true.
        predicted: Number of predicted boundaries.
        true: Number of true boundaries.
    """

    name: str
    sentences: int
    correct: int
    predicted: int
    true: int

    @property
    def f1(self) -> float:
        """F1 of the model."""
        return _f1(self.correct, self.predicted, self.true)

    @property
    def everywhere(self) -> float:
        """F1 of a boundary before every sentence."""
        return _f1(self.true, self.sentences, self.true)


def main() -> None:
    """Write the page from the workspace in `SEGTOOL_HOME`."""
    PAGE.write_text(page(Workspace(), read_recipes(RECIPES)), encoding="utf-8")
    print(PAGE)


def page(workspace: Workspace, recipes: Sequence[Recipe]) -> str:
    """Return the page; every model of the recipes is trained in the workspace."""
    rows: list[list[str]] = []
    sections: list[str] = []
    for recipe in recipes:
        model = trained_model(recipe, workspace)
        scored = evaluate_model(workspace, model, split="test", corpus_name=recipe.name)
        stored = workspace.load_corpus(recipe.name)
        for boundary_type in TYPES if model.is_typed else recipe.types:
            part = select_split(stored, "test", boundary_type)
            predicted = scored.predicted[boundary_type]
            for language in recipe.languages:
                own, decisions = _of_language(part, predicted, language)
                authors = count_authors(own, decisions, own.layout.is_candidate)
                complete = count_authors(own, decisions, after_complete_sentences(own))
                label = [LANGUAGES[language], boundary_type]
                rows.append([*label, *_row(authors, complete, score(own.layout, decisions))])
                sections.append(_worst(label, authors))
    columns = ["language", "type", "authors", "F1", "95% interval", "complete", "everywhere"]
    return "\n".join([INTRODUCTION, table([*columns, "better", "Pk", "WD"], rows), *sections])


def _of_language(
    part: Corpus, predicted: NDArray[np.bool_], language: str
) -> tuple[Corpus, NDArray[np.bool_]]:
    """Select the works in one language, and the predictions (n,) on them."""
    documents, decisions = [], [np.zeros(0, dtype=np.bool_)]
    for document_id, (start, stop) in zip(part.document_ids, part.layout.documents, strict=True):
        if document_id.split("/")[0] == language:
            sentences, labels = part.sentences[start:stop], part.labels[start:stop]
            documents.append(Document(document_id, sentences, labels))
            decisions.append(predicted[start:stop])
    return Corpus.of(documents, ["test"] * len(documents)), np.concatenate(decisions)


def after_complete_sentences(part: Corpus) -> NDArray[np.bool_]:
    """Return (n,) bool: which candidates follow neither a letter, a digit nor a comma."""
    ends = [s[-1].isalnum() or s[-1] in _COMMAS for s in part.sentences[:-1]]
    complete: NDArray[np.bool_] = part.layout.is_candidate & ~np.array([False, *ends])
    return complete


def count_authors(
    part: Corpus, predicted: NDArray[np.bool_], counted: NDArray[np.bool_]
) -> list[Author]:
    """Count the boundaries of each author.

    Args:
        part: Corpus, whose document ids begin with language and author.
        predicted: (n,) bool, predicted boundaries.
        counted: (n,) bool, the candidates that count.
    """
    names = ["/".join(document_id.split("/")[:2]) for document_id in part.document_ids]
    author_of = np.repeat(names, np.diff(part.offsets))
    true = part.labels
    authors = []
    for name in dict.fromkeys(names):
        own = counted & (author_of == name)
        counts = (int(mask[own].sum()) for mask in (true & predicted, predicted, true))
        authors.append(Author(name, int(own.sum()), *counts))
    return authors


def _row(authors: Sequence[Author], complete: Sequence[Author], scores: Scores) -> list[str]:
    counts = _counts(authors)
    correct, predicted, true = counts.sum(axis=0).tolist()
    sentences = sum(author.sentences for author in authors)
    low, high = interval(counts)
    better = sum(author.f1 > author.everywhere for author in authors)
    return [
        str(len(authors)),
        f"{_f1(correct, predicted, true):.3f}",
        f"{low:.3f} to {high:.3f}",
        f"{_f1(*_counts(complete).sum(axis=0).tolist()):.3f}",
        f"{_f1(true, sentences, true):.3f}",
        f"{better} of {len(authors)}",
        f"{scores.pk:.3f}",
        f"{scores.window_diff:.3f}",
    ]


def _counts(authors: Sequence[Author]) -> NDArray[np.int64]:
    """Return the numbers (a, 3) of correct, predicted and true boundaries of each author."""
    return np.array([[author.correct, author.predicted, author.true] for author in authors])


def interval(counts: NDArray[np.int64]) -> tuple[float, float]:
    """Return the 95% percentile interval of F1 over resamples of authors.

    Args:
        counts: (a, 3) numbers of correct, predicted and true boundaries of each author.
    """
    random = np.random.default_rng(0)
    draws = random.integers(len(counts), size=(RESAMPLES, len(counts)))
    correct, predicted, true = counts[draws].sum(axis=1).T
    f1 = 2 * correct / np.maximum(predicted + true, 1)
    low, high = np.percentile(f1, [2.5, 97.5])
    return float(low), float(high)


def _worst(label: Sequence[str], authors: Sequence[Author]) -> str:
    worst = sorted(authors, key=lambda author: author.f1 - author.everywhere)[:WORST]
    rows = [[a.name, f"{a.sentences:,}", f"{a.f1:.3f}", f"{a.everywhere:.3f}"] for a in worst]
    heading = f"## {label[0]}, {label[1]}: the authors with the smallest gain\n"
    return f"{heading}\n{table(['author', 'candidates', 'F1', 'everywhere'], rows)}"


def _f1(correct: int, predicted: int, true: int) -> float:
    return 2 * correct / max(predicted + true, 1)


if __name__ == "__main__":
    main()
