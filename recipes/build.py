"""Makes the ready models that `models.toml` describes: samples, embeds, trains, scores and exports.

Finished steps are not repeated, so an interrupted build continues where it stopped. On the same
kind of machine, the weights are the same bit for bit.

Usage: python -m recipes.build FOLDER [NAME ...]

FOLDER contains the sets of texts; see `recipes.sample`. NAME is a model; the default is all models.
"""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib

from embedcache.files import publish, scratch_folder, write_json, write_text
from recipes.card import model_card
from recipes.sample import write_sample
from segclf.corpus import BoundaryType, ReadOptions
from segclf.experiments.grids import Trial
from segclf.experiments.trials import find_runs
from segclf.tasks.embed import embed
from segclf.tasks.evaluate import SCORED_SPLITS, evaluate, read_evaluation
from segclf.tasks.export import export
from segclf.tasks.train import train
from segclf.training.options import TrainingOptions
from segclf.workspace.encoders import DEFAULT_ENCODER
from segclf.workspace.ready import MODEL, MODELS
from segclf.workspace.runs import CONFIGURATION, Run
from segclf.workspace.workspace import Workspace

RECIPES = Path(__file__).with_name("models.toml")


@dataclass(frozen=True)
class Recipe:
    """How a ready model is made.

    Attributes:
        name: Name of the model.
        description: What the model is trained on, in one line.
        data: Name of the folder that contains its set; see `recipes.sample`.
        languages: ISO 639-1 codes of the languages in the set.
        types: Types of boundaries; a head is trained for each.
        sentences_per_author: Maximum number of sentences by each training author.
        works_per_author: Maximum number of works from which these sentences are taken.
    """

    name: str
    description: str
    data: str
    languages: list[str]
    types: list[BoundaryType]
    sentences_per_author: int
    works_per_author: int


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
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Recipe(name, **table) for name, table in content.items()]


def build(recipe: Recipe, sets: Path, workspace: Workspace, models: Path) -> Path:
    """Make a model in a folder of models, and return its folder.

    Args:
        recipe: How the model is made.
        sets: Folder of the sets.
        workspace: Workspace that keeps the sample, its vectors and the runs.
        models: Folder of models, in which the model replaces an earlier one of the same name.
    """
    embed_sample(recipe, sets, workspace)
    runs = {kind: train_head(recipe, kind, workspace) for kind in recipe.types}
    return export_model(recipe, runs, workspace, models)


def embed_sample(recipe: Recipe, sets: Path, workspace: Workspace) -> None:
    """Sample the set of a model and embed the sample; skip what is already done."""
    sample = workspace.path / f"{recipe.name}.jsonl"
    if not sample.exists():
        print(f"{recipe.name}: sampling {recipe.data}", flush=True)
        workspace.path.mkdir(parents=True, exist_ok=True)
        partial = sample.with_suffix(".partial")
        write_sample(
            sets / recipe.data,
            partial,
            sentences_per_author=recipe.sentences_per_author,
            works_per_author=recipe.works_per_author,
        )
        partial.replace(sample)
    embed(sample, workspace, encoder_name=DEFAULT_ENCODER, options=ReadOptions(), progress=True)


def train_head(recipe: Recipe, boundary_type: BoundaryType, workspace: Workspace) -> Run:
    """Train and score the head for one type of boundary; skip what is already done."""
    run = find_head(recipe, boundary_type, workspace)
    if run is None:
        print(f"{recipe.name}: training on boundaries of type {boundary_type}", flush=True)
        options = _trial(boundary_type).options
        run = train(workspace, options, corpus_name=recipe.name, encoder_name=DEFAULT_ENCODER)
    for split in SCORED_SPLITS:
        if not read_evaluation(run, split):
            evaluate(workspace, run, split=split)
    return run


def find_head(recipe: Recipe, boundary_type: BoundaryType, workspace: Workspace) -> Run | None:
    """Return the trained head for one type of boundary; None if it is not trained yet."""
    trial = _trial(boundary_type)
    return find_runs(workspace, [trial], workspace.load_corpus(recipe.name)).get(trial)


def _trial(boundary_type: BoundaryType) -> Trial:
    return Trial(TrainingOptions(boundary_type=boundary_type), DEFAULT_ENCODER)


def export_model(
    recipe: Recipe, runs: dict[BoundaryType, Run], workspace: Workspace, models: Path
) -> Path:
    """Export the heads of a model with one model card; an earlier version is replaced."""
    models.mkdir(parents=True, exist_ok=True)
    target = models / recipe.name
    with scratch_folder(models, target) as scratch:
        for boundary_type, run in runs.items():
            export(run, scratch / boundary_type, workspace)
            (scratch / boundary_type / "README.md").unlink()  # the model has one card
        content = {
            "description": recipe.description,
            "languages": recipe.languages,
            "types": recipe.types,
        }
        write_json(scratch / MODEL, content, indent=1)
        heads: dict[str, Any] = {
            name: json.loads((scratch / name / CONFIGURATION).read_text(encoding="utf-8"))
            for name in recipe.types
        }
        write_text(scratch / "README.md", model_card(recipe.name, content, heads))
        shutil.rmtree(target, ignore_errors=True)
        publish(scratch, target)
    print(f"{recipe.name}: {target}", flush=True)
    return target


if __name__ == "__main__":
    main(*sys.argv[1:])
