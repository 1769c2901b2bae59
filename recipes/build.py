"""Makes the ready models that `models.toml` describes: samples, embeds, trains, scores and exports.

Finished steps are not repeated, so an interrupted build continues where it stopped. On the same
kind of machine, the weights are the same bit for bit.

Usage: python -m recipes.build FOLDER [NAME ...]

FOLDER contains the sets of texts; see `recipes.sample`. NAME is a model; the default is all models.
"""

import json
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xxhash import xxh3_64_hexdigest

from embedcache import UserError
from embedcache.files import publish, scratch_folder, write_text
from recipes.card import model_card
from recipes.sample import write_sample
from recipes.thresholds import choose_thresholds
from segclf.corpus import BoundaryType, Split
from segclf.experiments.grids import Trial
from segclf.experiments.trials import find_runs
from segclf.tasks.embed import embed
from segclf.tasks.evaluate import evaluate
from segclf.tasks.evaluate_model import evaluate_model
from segclf.tasks.evaluation import Evaluation
from segclf.tasks.evaluation_files import SCORED_SPLITS, read_evaluation
from segclf.tasks.export import export
from segclf.tasks.train import train
from segclf.toml_files import read_toml
from segclf.training.options import TrainingOptions
from segclf.workspace.files import write_checked_json
from segclf.workspace.ready import MODEL, MODELS, ReadyModel
from segclf.workspace.runs import CONFIGURATION, Run
from segclf.workspace.workspace import Workspace

RECIPES = Path(__file__).with_name("models.toml")


@dataclass(frozen=True)
class Recipe:
    """Recipe of a ready model.

    Attributes:
        name: Name of the model.
        description: Description of the training data, in one line.
        data: Name of the folder that contains the set of texts; see `recipes.sample`.
        encoder: Name of the encoder that computes the vectors.
        languages: ISO 639-1 codes of the languages in the set.
        types: Types of boundaries; a head is trained for each.
        sentences_per_author: Maximum number of sentences by each training author.
        works_per_author: Maximum number of works from which these sentences are taken.
        without_full_stops: Share of the training works from whose sentences full stops are removed;
            see `recipes.sample.write_sample`.
        seed: Seed of the heads; the best of three seeds on dev.
        fast: Whether the model is for `segment --fast`.
    """

    name: str
    description: str
    data: str
    encoder: str
    languages: list[str]
    types: list[BoundaryType]
    sentences_per_author: int
    works_per_author: int
    without_full_stops: float = 0.0
    seed: int = 0
    fast: bool = False


def main(sets: str, *names: str) -> None:
    """Make the named models, or all models if none is named, in segclf/models.

    Args:
        sets: Folder of the sets.
        names: Names of models.
    """
    for recipe in read_recipes(RECIPES):
        if not names or recipe.name in names:
            build(recipe, Path(sets), Workspace(), MODELS)


def read_recipes(path: Path) -> list[Recipe]:
    """Read the recipes in a TOML file."""
    content = read_toml(path)
    return [Recipe(name, **table) for name, table in content.items()]


def build(recipe: Recipe, sets: Path, workspace: Workspace, models: Path) -> Path:
    """Make a model in a folder of models, and return its folder.

    Args:
        recipe: Recipe of the model.
        sets: Folder of the sets.
        workspace: Workspace that keeps the sample, its vectors and the runs.
        models: Folder of models, in which the model replaces an earlier one of the same name.
    """
    embed_sample(recipe, sets, workspace)
    for boundary_type in recipe.types:
        train_head(recipe, boundary_type, workspace)
    return export_model(recipe, trained_model(recipe, workspace), workspace, models)


def embed_sample(recipe: Recipe, sets: Path, workspace: Workspace) -> None:
    """Sample the set of a model and embed the sample; finished steps are skipped."""
    limits: dict[str, Any] = {
        "sentences_per_author": recipe.sentences_per_author,
        "works_per_author": recipe.works_per_author,
        "without_full_stops": recipe.without_full_stops,
    }
    sample = (
        workspace.path
        / f"{recipe.name}-{xxh3_64_hexdigest(repr((recipe.data, limits)).encode())}.jsonl"
    )
    if not sample.exists():
        print(f"{recipe.name}: sampling {recipe.data}", flush=True)
        workspace.path.mkdir(parents=True, exist_ok=True)
        partial = sample.with_suffix(".partial")
        write_sample(sets / recipe.data, partial, **limits)
        partial.replace(sample)
    embed(sample, workspace, name=recipe.name, encoder_name=recipe.encoder, progress=True)


def train_head(recipe: Recipe, boundary_type: BoundaryType, workspace: Workspace) -> Run:
    """Train, score and return the head for one type of boundary; finished steps are skipped."""
    run = find_head(recipe, boundary_type, workspace)
    if run is None:
        print(f"{recipe.name}: training on boundaries of type {boundary_type}", flush=True)
        options = _trial(recipe, boundary_type).options
        run = train(workspace, options, corpus_name=recipe.name, encoder_name=recipe.encoder)
    for split in SCORED_SPLITS:
        if not read_evaluation(run, split):
            evaluate(workspace, run, split=split)
    return run


def find_head(recipe: Recipe, boundary_type: BoundaryType, workspace: Workspace) -> Run | None:
    """Return the trained head for one type of boundary; None if it is not trained yet."""
    trial = _trial(recipe, boundary_type)
    return find_runs(workspace, [trial], workspace.load_corpus(recipe.name)).get(trial)


def trained_model(recipe: Recipe, workspace: Workspace) -> ReadyModel:
    """Return the trained heads of a recipe as a model, with thresholds that are chosen on dev.

    Raises:
        UserError: The sample is not embedded, or a head is not trained yet.
    """
    runs = {kind: find_head(recipe, kind, workspace) for kind in recipe.types}
    trained = {kind: run for kind, run in runs.items() if run is not None}
    if len(trained) < len(runs):
        raise UserError(f"the model {recipe.name} is not trained: run make models")
    heads = ReadyModel(
        workspace.path / recipe.name, recipe.description, tuple(recipe.languages), trained
    )
    return replace(heads, thresholds=choose_thresholds(heads, workspace, recipe.name))


def _trial(recipe: Recipe, boundary_type: BoundaryType) -> Trial:
    return Trial(TrainingOptions(boundary_type=boundary_type, seed=recipe.seed), recipe.encoder)


def export_model(recipe: Recipe, model: ReadyModel, workspace: Workspace, models: Path) -> Path:
    """Export the heads of a model with one model card; an earlier version is replaced."""
    scores = {
        split: evaluate_model(workspace, model, split=split, corpus_name=recipe.name).types
        for split in SCORED_SPLITS
    }
    models.mkdir(parents=True, exist_ok=True)
    target = models / recipe.name
    with scratch_folder(models, target) as scratch:
        for boundary_type, run in model.runs.items():
            export(run, scratch / boundary_type, workspace)
            (scratch / boundary_type / "README.md").unlink()  # the model has one card
        content = {
            "description": recipe.description,
            "languages": recipe.languages,
            "types": recipe.types,
            "thresholds": model.thresholds,
            "fast": recipe.fast,
        }
        write_checked_json(scratch / MODEL, content, indent=1)
        heads = {name: _with_scores(scratch / name, scores) for name in recipe.types}
        write_text(scratch / "README.md", model_card(recipe.name, content, heads))
        shutil.rmtree(target, ignore_errors=True)
        publish(scratch, target)
    print(f"{recipe.name}: {target}", flush=True)
    return target


def _with_scores(
    folder: Path, scores: dict[Split, dict[BoundaryType, Evaluation]]
) -> dict[str, Any]:
    """Replace the scores of an exported head with those of its type in the whole model.

    Returns:
        The content of the head's config.json.
    """
    content: dict[str, Any] = json.loads((folder / CONFIGURATION).read_text(encoding="utf-8"))
    content["scores"] = {
        split: types[folder.name].scores.to_dict()  # type: ignore[index]
        for split, types in scores.items()
    }
    write_checked_json(folder / CONFIGURATION, content, indent=1)
    return content


if __name__ == "__main__":
    main(*sys.argv[1:])
