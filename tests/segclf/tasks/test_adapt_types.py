"""Adaptation of a model that distinguishes paragraphs from lines: both of its heads learn."""

from itertools import pairwise

import numpy as np
import pytest

from segclf import ReadOptions, Workspace, load_run
from segclf.corpus import read_corpus
from segclf.corpus.documents import LINE, PARAGRAPH
from segclf.corpus.layout import Layout
from segclf.scoring.metrics import score
from segclf.tasks.adapt import CorrectedText, adapt
from segclf.tasks.export import export
from segclf.tasks.segment import Segmenter, segment
from segclf.workspace.ready import load_ready_model
from segclf.workspace.runs import WEIGHTS, list_runs
from segclf.workspace.weights import hash_weights
from tests.conftest import STORIES

MODEL = "japanese-fast"


@pytest.fixture(scope="module")
def text():
    """A story whose indented lines are paragraphs, and other lines lines of dialogue."""
    options = ReadOptions(boundary="typed")
    corpus = read_corpus(STORIES / "eki.txt", options=options, split="train")
    assert {LINE, PARAGRAPH} <= set(corpus.types)
    return CorrectedText(corpus.sentences, corpus.types)


def weights_of(run):
    return hash_weights(run.path / WEIGHTS)


@pytest.fixture(scope="module")
def model(text):
    segmenter = Segmenter(Workspace("nowhere"), load_ready_model(MODEL))
    return segmenter.load("".join(text.sentences), "ja")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("adapted"))


@pytest.fixture(scope="module")
def adapted(workspace, model, text):
    return adapt(workspace, model, [text])


def test_both_heads_start_from_those_of_the_model(adapted, model):
    run = adapted.run
    assert run.is_typed
    for name, own in run.runs.items():
        assert own.record.start.name == MODEL
        assert own.record.boundary_type == name
        assert own.record.start.weights == weights_of(model.model.runs[name])
    assert run.record.counts["train"] != run.runs["paragraph"].record.counts["train"]


def test_each_type_is_scored_before_and_after(adapted, model, text):
    assert list(adapted.before.types) == ["any", "line", "paragraph"] == list(adapted.after.types)
    n = len(text.sentences)
    edges = np.linspace(0, n, 6).round().astype(int)
    parts = [text.sentences[a:b] for a, b in pairwise(edges)]
    found = model.predict_documents([model.as_read(part) for part in parts])
    boundaries = found.probabilities >= model.threshold
    kinds = np.where(found.is_paragraph, PARAGRAPH, LINE) * boundaries
    for name, labels in (("any", (LINE, PARAGRAPH)), ("line", LINE), ("paragraph", PARAGRAPH)):
        layout = Layout(np.isin(text.labels, labels), edges.astype(np.int64))
        expected = score(layout, np.isin(kinds, labels))
        assert adapted.before.types[name].f1 == pytest.approx(expected.f1)
    wrong = (kinds != text.labels)[Layout.unlabelled(edges).is_candidate]
    assert adapted.before.errors == int(wrong.sum())


def test_the_run_distinguishes_paragraphs_from_lines_also_after_export(
    workspace, adapted, tmp_path
):
    new = "雨が降っていた。「寒いね。」と彼女は言った。二人は駅まで歩いた。" * 6
    found = segment(new, workspace, load_run(workspace, adapted.run.name))
    assert found.is_paragraph is not None
    assert {found.to_dict()["sentences"][i]["type"] for i in np.flatnonzero(found.boundaries)}
    folder = export(adapted.run, tmp_path / "model", workspace)
    elsewhere = Workspace(tmp_path / "empty")
    assert segment(new, elsewhere, load_run(elsewhere, str(folder))).to_page() == found.to_page()


def test_an_adapted_run_is_adapted_again(workspace, adapted, text):
    model = Segmenter(workspace, adapted.run).load("".join(text.sentences), "ja")
    again = adapt(workspace, model, [text])
    assert [own.record.start.name for own in again.run.runs.values()] == [adapted.run.name] * 2
    assert [run.name for run in list_runs(workspace)] == [adapted.run.name, again.run.name]


def test_without_paragraphs_the_head_for_them_is_kept(workspace, model, text):
    lines = CorrectedText(text.sentences[:60], (text.labels[:60] > 0).astype(np.int8))
    made = adapt(workspace, model, [lines])
    assert any("distinguishes them from lines as before" in note for note in made.notes)
    kept = made.run.runs["paragraph"]
    assert weights_of(kept) == weights_of(model.model.runs["paragraph"])
    assert kept.threshold == model.thresholds["paragraph"]
    assert list(made.before.types) == ["any"]
