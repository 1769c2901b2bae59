"""Scores of a system on authors: counts for each author, and bootstrap intervals over authors."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from recipes.build import Recipe
from segclf.corpus import BoundaryType, Corpus, Document, Split
from segclf.scoring.metrics import score
from segclf.tasks.evaluation import select_split
from segclf.tasks.find_types import TYPES
from segclf.workspace.corpora import StoredCorpus

Criterion = Literal["f1", "pk", "count"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
"""Criteria by which parameters are chosen on dev: the highest F1, the lowest Pk, or the number of
boundaries that is closest to the true number."""

Task = tuple[str, BoundaryType]
"""Language and type of boundary."""

RESAMPLES = 1000
LANGUAGES = {"ja": "Japanese", "en": "English", "fr": "French", "de": "German", "es": "Spanish"}


@dataclass(frozen=True)
class Author:
    """Counts of one author.

    Attributes:
        name: Language and id of the author.
        sentences: Number of candidates.
        correct: Number of predicted boundaries that are true; a mean for random boundaries.
        predicted: Number of predicted boundaries; a mean for random boundaries.
        true: Number of true boundaries.
    """

    name: str
    sentences: int
    correct: float
    predicted: float
    true: int

    @property
    def f1(self) -> float:
        """F1 of the system on the author."""
        return f1_of(self.correct, self.predicted, self.true)


@dataclass(frozen=True)
class Result:
    """A system on the test authors of one language, for one type of boundary.

    Attributes:
        language: ISO 639-1 code.
        type: Type of boundary.
        scores: Precision, recall, F1, Pk and WindowDiff by name; only F1 in the results "complete"
            of `reports.unseen.measure`.
        authors: Counts of each author.
        chosen_by: Criterion by which the parameters were chosen on the dev authors; None for
            a system without such parameters.
        parameters: The chosen parameters.
    """

    language: str
    type: BoundaryType
    scores: dict[str, float]
    authors: list[Author]
    chosen_by: Criterion | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        """Language and type."""
        return self.language, self.type

    def to_dict(self) -> dict[str, Any]:
        """Return the content of a record, with the authors as rows of numbers."""
        rows = {
            author.name: [author.sentences, author.correct, author.predicted, author.true]
            for author in self.authors
        }
        return {**asdict(self), "authors": rows}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Result":
        """Read a record; see `to_dict`."""
        authors = [Author(name, *row) for name, row in content["authors"].items()]
        return cls(**{**content, "authors": authors})


def result_of(
    part: Corpus, predicted: NDArray[np.bool_], language: str, boundary_type: BoundaryType
) -> Result:
    """Score the predictions (n,) on the works in one language."""
    scores = score(part.layout, predicted).to_dict()
    return Result(language, boundary_type, scores, count_authors(part, predicted))


def language_part(
    stored: StoredCorpus,
    split: Split,
    boundary_type: BoundaryType,
    language: str,
    *,
    limit: int | None = None,
) -> tuple[Corpus, NDArray[np.bool_]]:
    """Select the works in one language.

    Args:
        stored: Corpus whose document ids begin with the language.
        split: Split of the corpus.
        boundary_type: Type of the boundaries.
        language: ISO 639-1 code.
        limit: Maximum number of sentences, from the beginning of each work; None for all.

    Returns:
        The works with the boundaries of the type; and (n,) bool, whether each sentence of the split
        was selected.
    """
    part = select_split(stored, split, boundary_type)
    documents, chosen = [], np.zeros(len(part), dtype=np.bool_)
    for document_id, (start, stop) in zip(part.document_ids, part.layout.documents, strict=True):
        if document_id.split("/")[0] == language:
            stop = stop if limit is None else min(stop, start + limit)
            sentences, labels = part.sentences[start:stop], part.labels[start:stop]
            documents.append(Document(document_id, sentences, labels))
            chosen[start:stop] = True
    return Corpus.of(documents, [split] * len(documents)), chosen


def count_authors(
    part: Corpus, predicted: NDArray[np.bool_], counted: NDArray[np.bool_] | None = None
) -> list[Author]:
    """Count the boundaries of each author.

    Args:
        part: Corpus, whose document ids begin with language and author.
        predicted: (n,) bool, predicted boundaries.
        counted: (n,) bool, the candidates that count; None for all.
    """
    names = ["/".join(document_id.split("/")[:2]) for document_id in part.document_ids]
    author_of = np.repeat(names, np.diff(part.offsets))
    counted = part.layout.is_candidate if counted is None else counted
    true = part.labels
    authors = []
    for name in dict.fromkeys(names):
        chosen = counted & (author_of == name)
        counts = (int(mask[chosen].sum()) for mask in (true & predicted, predicted, true))
        authors.append(Author(name, int(chosen.sum()), *counts))
    return authors


def pooled_f1(authors: Sequence[Author]) -> float:
    """Return the F1 of the boundaries of all authors together."""
    correct, predicted, true = _counts(authors).sum(axis=0).tolist()
    return f1_of(correct, predicted, true)


def interval(authors: Sequence[Author]) -> tuple[float, float]:
    """Return the 95% bootstrap percentile interval of `pooled_f1` over resamples of authors."""
    counts = _counts(authors)
    random = np.random.default_rng(0)
    draws = random.integers(len(counts), size=(RESAMPLES, len(counts)))
    correct, predicted, true = counts[draws].sum(axis=1).T
    f1 = 2 * correct / np.maximum(predicted + true, 1)
    low, high = np.percentile(f1, [2.5, 97.5])
    return float(low), float(high)


def _counts(authors: Sequence[Author]) -> NDArray[np.float64]:
    """Return the numbers (a, 3) of correct, predicted and true boundaries of each author."""
    return np.array([[a.correct, a.predicted, a.true] for a in authors], dtype=np.float64)


def f1_of(correct: float, predicted: float, true: float) -> float:
    """Return F1; 0 if there are neither predicted nor true boundaries."""
    return 2 * correct / max(predicted + true, 1)


def reported_types(recipe: Recipe) -> Sequence[BoundaryType]:
    """Return the types of boundaries that a model is scored on."""
    return TYPES if "paragraph" in recipe.types else recipe.types
