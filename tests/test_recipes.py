"""The recipes of the ready models, on small sets."""

import json
import lzma
from collections import Counter

import pytest

from embedcache import EmbeddingStore
from recipes.build import Recipe, build, trained_model
from recipes.sample import write_sample
from reports.authors import pooled_f1
from reports.unseen import measure
from segclf.scoring.baselines import DESCRIPTIONS
from segclf.tasks.evaluate_model import evaluate_model
from segclf.workspace.ready import load_ready_model
from segclf.workspace.workspace import Workspace

PAGE = (
    "　雨が{}降った。風も吹いた。\n「寒い」\n「そうだね」と{}は言った。\n　朝が来た。鳥が鳴いた。\n"
)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A set with eight training authors and eight others, of three works each."""
    folder = tmp_path_factory.mktemp("sets") / "small"
    folder.mkdir()
    for name, first in (("train", 0), ("dev", 8)):
        works = [
            {
                "id": f"{author}/{work}",
                "author": str(author),
                "text": "".join(PAGE.format(author, line) for line in range(12)),
            }
            for author in range(first, first + 8)
            for work in range(3)
        ]
        with lzma.open(folder / f"{name}.jsonl.xz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(work) + "\n" for work in works)
    return folder.parent


def sample(sets, path):
    write_sample(sets / "small", path, sentences_per_author=20, works_per_author=2)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_sample_is_the_same_at_every_call_and_no_author_is_in_two_splits(sets, tmp_path):
    records = sample(sets, tmp_path / "a.jsonl")
    assert records == sample(sets, tmp_path / "b.jsonl")
    splits = {}
    for record in records:
        splits.setdefault(record["id"].split("/")[1], set()).add(record["split"])
    assert all(len(own) == 1 for own in splits.values())
    assert Counter(next(iter(own)) for own in splits.values())["train"] == 8
    assert {"dev", "test"} <= {record["split"] for record in records}


def test_a_training_author_has_at_most_the_sentences_of_the_recipe(sets, tmp_path):
    records = [r for r in sample(sets, tmp_path / "a.jsonl") if r["split"] == "train"]
    sizes, works = Counter(), Counter()
    for record in records:
        author = record["id"].split("/")[1]
        sizes[author] += len(record["sentences"])
        works[author] += 1
        assert record["labels"][0] > 0  # an excerpt begins at a boundary
        assert set(record["labels"]) == {0, 1, 2}
    assert set(sizes.values()) == {20}
    assert max(works.values()) <= 2


def test_a_build_is_not_repeated_and_gives_a_model_that_loads(sets, tmp_path, capsys):
    recipe = Recipe("small", "small set", "small", "surface", ["ja"], ["any", "paragraph"], 20, 2)
    workspace = Workspace(tmp_path / "w")
    path = build(recipe, sets, workspace, tmp_path / "models")
    weights = {p: p.read_bytes() for p in path.rglob("*.safetensors")}
    assert len(weights) == 2
    model = load_ready_model(str(path))
    assert (model.name, model.languages, model.is_typed) == ("small", ("ja",), True)
    rows = EmbeddingStore(tmp_path / "w/store").spaces()[0].rows
    capsys.readouterr()
    assert build(recipe, sets, workspace, tmp_path / "models") == path
    assert "training" not in capsys.readouterr().out
    assert {p: p.read_bytes() for p in path.rglob("*.safetensors")} == weights
    assert EmbeddingStore(tmp_path / "w/store").spaces()[0].rows == rows
    card = (path / "README.md").read_text(encoding="utf-8")
    assert "| any | test |" in card


def test_a_model_and_the_baselines_are_scored_on_unseen_authors(sets, tmp_path):
    recipe = Recipe("small", "small set", "small", "surface", ["ja"], ["any", "paragraph"], 20, 2)
    workspace = Workspace(tmp_path / "w")
    build(recipe, sets, workspace, tmp_path / "models")
    results = measure(workspace, [recipe])
    evaluation = evaluate_model(workspace, trained_model(recipe, workspace), split="test")
    assert set(results) == {"model", "complete", *DESCRIPTIONS}
    for result in results["model"]:
        assert result.scores == evaluation.types[result.type].scores.to_dict()
        assert pooled_f1(result.authors) == pytest.approx(result.scores["f1"])
    assert [result.type for result in results["model"]] == ["any", "line", "paragraph"]
    for own in zip(*results.values(), strict=True):
        assert len({tuple(author.name for author in result.authors) for result in own}) == 1
    for result in results["everywhere"]:
        assert all(author.predicted == author.sentences for author in result.authors)
