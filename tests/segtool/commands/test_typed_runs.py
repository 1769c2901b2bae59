"""A run that distinguishes paragraphs from lines is scored and shown for each type of boundary."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from segclf import ReadOptions, Workspace, embed, evaluate, load_run
from segclf.corpus.documents import LINE, PARAGRAPH
from segclf.scoring.metrics import score
from segclf.tasks.evaluation import select_split
from segclf.tasks.evaluation_files import read_evaluation
from segclf.tasks.segment import Segmenter
from segclf.tasks.train import train_on
from segclf.training.options import TrainingOptions
from segclf.workspace.new_runs import save_run
from tests.conftest import STORIES
from tests.segclf.report.pages import Page, labels_of, probabilities_of

LABELS = {"any": (LINE, PARAGRAPH), "line": (LINE,), "paragraph": (PARAGRAPH,)}


def trained_head(workspace, corpus_name, boundary_type):
    stored = workspace.load_corpus(corpus_name)
    options = TrainingOptions(head="mlp", window=1, epochs=2, boundary_type=boundary_type)
    return train_on(workspace, stored, stored.encoder(), options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder whose workspace has a run with two heads, as `segtool serve` trains it."""
    made = tmp_path_factory.mktemp("typed")
    workspace = Workspace(made / ".segtool")
    embed(STORIES, workspace, encoder_name="surface", options=ReadOptions(boundary="typed"))
    heads = [trained_head(workspace, "stories", name) for name in ("any", "paragraph")]
    assert save_run(workspace.runs, *heads).name == "mlp-w1-001"
    return made


@pytest.fixture(scope="module")
def workspace(folder):
    return Workspace(folder / ".segtool")


@pytest.fixture(scope="module")
def expected(workspace):
    """The scores of what `segment` decides about the sentences of dev, by type."""
    run = load_run(workspace, "mlp-w1-001")
    stored = workspace.load_corpus("stories")
    part = stored.corpus.select("dev")
    loaded = Segmenter(workspace, run).load("", "ja")
    found = loaded.predict_documents([part.sentences[a:b] for a, b in part.layout.documents])
    kinds = np.where(found.is_paragraph, PARAGRAPH, LINE) * (found.probabilities >= run.threshold)
    layouts = {name: select_split(stored, "dev", name).layout for name in LABELS}
    return {
        name: score(layout, layout.mark_document_starts(np.isin(kinds, LABELS[name])))
        for name, layout in layouts.items()
    }


@pytest.mark.parametrize("chosen", [None, "line", "paragraph"])
def test_eval_scores_what_segment_decides_for_each_type(folder, expected, cli, chosen):
    options = ("--type", chosen) if chosen else ()
    done = cli(folder, "eval", "mlp-w1-001", "--split", "dev", "--json", *options)
    assert done.returncode == 0, done.stderr
    assert "run mlp-w1-001, threshold" in done.stderr
    content = json.loads(done.stdout)
    assert (content["run"], content["type"]) == ("mlp-w1-001", chosen or "any")
    assert content["f1"] == content["types"][chosen or "any"]["f1"]
    assert list(content["types"]) == list(LABELS)
    for name, own in content["types"].items():
        scores = expected[name].to_dict()
        assert {key: own[key] for key in scores} == pytest.approx(scores)


def test_the_default_run_is_shown_with_its_types(folder, cli):
    done = cli(folder, "eval")
    assert "highest dev F1" in done.stderr
    shown = {line.split()[0] for line in done.stdout.splitlines() if line.strip()}
    assert {"any", "line", "paragraph"} <= shown


def test_the_types_of_a_run_are_shown(folder, cli):
    assert "line, paragraph" in cli(folder, "runs", "show", "mlp-w1-001").stdout


def test_the_scores_for_any_boundary_are_kept(workspace, expected):
    run = load_run(workspace, "mlp-w1-001")
    evaluation = evaluate(workspace, run, split="dev")
    assert evaluation.scores == expected["any"]
    assert read_evaluation(run, "dev")["f1"] == evaluation.scores.f1


def test_the_report_shows_each_type(folder, workspace, expected, cli):
    done = cli(folder, "report", "mlp-w1-001", "-o", "report.html")
    assert done.returncode == 0, done.stderr
    page = Page(folder / "report.html")
    stored = workspace.load_corpus("stories")
    (system,) = page.data["systems"]
    assert system["is_run"]
    assert system["types"] == list(LABELS)
    assert list(system["heads"]) == ["any", "paragraph"]
    assert page.data["kinds"] == "".join(map(str, stored.corpus.select("dev").types))
    for number, (name, scores) in enumerate(expected.items()):
        assert page.row("mlp-w1-001", number)[2] == f"{scores.f1:.3f}"
        layout = select_split(stored, "dev", name).layout
        assert (labels_of(page.data["types"][name]["labels"]) == layout.labels).all()
    for head in system["heads"].values():
        assert len(probabilities_of(head)) == len(page.data["sentences"])


def test_runs_are_compared_by_what_both_heads_decide(folder, tmp_path, cli):
    shutil.copytree(folder / ".segtool", tmp_path / ".segtool")
    workspace = Workspace(tmp_path / ".segtool")
    first, second = (trained_head(workspace, "stories", name) for name in ("any", "paragraph"))
    low = replace(second, record=replace(second.record, threshold=0.0))  # a paragraph everywhere
    names = ["mlp-w1-001", save_run(workspace.runs, first, low).name]
    f1 = [
        json.loads(cli(tmp_path, "eval", name, "--split", "dev", "--json").stdout)["f1"]
        for name in names
    ]
    assert f1[0] != f1[1]
    done = cli(tmp_path, "compare", *names, "--split", "dev", "--json")
    compared = json.loads(done.stdout)["f1"]
    assert [compared["first"], compared["second"]] == pytest.approx(f1)


def test_a_head_that_was_trained_on_another_text_has_baselines(tmp_path, cli):
    """If corrections have no paragraphs, `segtool serve` keeps the second head of the model."""
    workspace = Workspace(tmp_path / ".segtool")
    typed = ReadOptions(boundary="typed")
    embed(STORIES, workspace, name="typed", encoder_name="surface", options=typed)
    embed(STORIES / "eki.txt", workspace, name="lines", encoder_name="surface")
    first = trained_head(workspace, "lines", "any")
    save_run(workspace.runs, first, trained_head(workspace, "typed", "paragraph"))
    done = cli(tmp_path, "eval", "--split", "dev", "--json")
    assert done.returncode == 0, done.stderr
    types = json.loads(done.stdout)["types"]
    assert types["line"]["baselines"] == types["any"]["baselines"]


def test_training_starts_from_either_head(folder, workspace, cli):
    done = cli(folder, "train", "--from", "mlp-w1-001", "--type", "paragraph", "--epochs", "1")
    assert done.returncode == 0, done.stderr
    assert load_run(workspace, "mlp-w1-002").record.boundary_type == "paragraph"
    done = cli(folder, "train", "--from", "mlp-w1-001", "--type", "line")
    assert done.returncode == 2
    assert "choose --type any or paragraph" in done.stderr
    done = cli(folder, "eval", "mlp-w1-002", "--type", "line")  # a run with one head
    assert done.returncode == 2
    assert "predicts boundaries of type paragraph: leave out --type" in done.stderr
