"""Scores the ready models and the trivial baselines on authors that the models were not trained on.

`python -m reports.unseen` reads the runs that `make models` creates in the workspace
`SEGTOOL_HOME`, writes a record to `reports/data`, and writes the pages from the records.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedcache.files import write_json
from recipes.build import RECIPES, Recipe, read_recipes, trained_model
from reports import unseen_page
from reports.authors import (
    Author,
    Result,
    count_authors,
    language_part,
    pooled_f1,
    reported_types,
    result_of,
)
from reports.unseen_records import RECORD
from segclf.corpus import BoundaryType, Corpus
from segclf.scoring.baselines import baseline_predictions, mean_scores
from segclf.scoring.metrics import score
from segclf.tasks.evaluate_model import evaluate_model
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.workspace import Workspace

_COMMAS = ",、，"


def main() -> None:
    """Write the record and the pages."""
    workspace, recipes = Workspace(), read_recipes(RECIPES)
    results = measure(workspace, [recipe for recipe in recipes if not recipe.fast])
    fast = measure(workspace, [recipe for recipe in recipes if recipe.fast])
    results["fast"] = fast["model"]
    RECORD.parent.mkdir(exist_ok=True)
    content = {name: [result.to_dict() for result in rows] for name, rows in results.items()}
    write_json(RECORD, content, indent=1)
    unseen_page.main()


def measure(workspace: Workspace, recipes: Sequence[Recipe]) -> dict[str, list[Result]]:
    """Score the models of the recipes, which must be trained in the workspace, and the baselines.

    Returns:
        Results by name: "model"; "complete", the model on the candidates that follow a complete
        sentence, with F1 only; and the baselines of `segclf.scoring.baselines.DESCRIPTIONS`.

    Raises:
        UserError: A model is not trained.
    """
    results: dict[str, list[Result]] = {}
    for recipe in recipes:
        model = trained_model(recipe, workspace)
        scored = evaluate_model(workspace, model, split="test", corpus_name=recipe.name)
        stored = workspace.load_corpus(recipe.name)
        for boundary_type in reported_types(recipe):
            for language in recipe.languages:
                part, chosen = language_part(stored, "test", boundary_type, language)
                predicted = scored.predicted[boundary_type][chosen]
                task = language, boundary_type
                found = {
                    "model": result_of(part, predicted, *task),
                    "complete": _complete(part, predicted, *task),
                    **_baselines(stored, part, *task),
                }
                for name, result in found.items():
                    results.setdefault(name, []).append(result)
    return results


def _complete(
    part: Corpus, predicted: NDArray[np.bool_], language: str, boundary_type: BoundaryType
) -> Result:
    authors = count_authors(part, predicted, after_complete_sentences(part))
    return Result(language, boundary_type, {"f1": pooled_f1(authors)}, authors)


def after_complete_sentences(part: Corpus) -> NDArray[np.bool_]:
    """Return (n,) bool: the candidates after a sentence without a final letter, digit or comma."""
    ends = [s[-1].isalnum() or s[-1] in _COMMAS for s in part.sentences[:-1]]
    complete: NDArray[np.bool_] = part.layout.is_candidate & ~np.array([False, *ends])
    return complete


def _baselines(
    stored: StoredCorpus, part: Corpus, language: str, boundary_type: BoundaryType
) -> dict[str, Result]:
    """Score the trivial baselines, given the paragraphs of the training texts in the language."""
    train, _ = language_part(stored, "train", boundary_type, language)
    is_candidate = train.layout.is_candidate
    predictions = baseline_predictions(
        part.layout,
        paragraph_length=len(train) / int(train.labels.sum()),
        rate=float(train.labels[is_candidate].mean()),
    )
    return {
        name: Result(
            language,
            boundary_type,
            mean_scores([score(part.layout, predicted) for predicted in draws]).to_dict(),
            _mean_counts([count_authors(part, predicted) for predicted in draws]),
        )
        for name, draws in predictions.items()
    }


def _mean_counts(draws: Sequence[Sequence[Author]]) -> list[Author]:
    """Return the authors with the mean counts of several segmentations."""
    return [
        Author(
            same[0].name,
            same[0].sentences,
            float(np.mean([author.correct for author in same])),
            float(np.mean([author.predicted for author in same])),
            same[0].true,
        )
        for same in zip(*draws, strict=True)
    ]


if __name__ == "__main__":
    main()
