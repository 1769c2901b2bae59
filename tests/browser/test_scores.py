"""The page computes the same scores as segtool, at every threshold."""

import json

import numpy as np
import pytest

from segclf import evaluate, load_run
from segclf.report.series import MAX_LENGTH
from segclf.scoring.decoding import decode
from segclf.scoring.metrics import score
from segclf.tasks.evaluate_model import evaluate_model
from segclf.tasks.evaluation import select_split
from segclf.tasks.find_types import find_types
from segclf.workspace.ready import load_ready_model

NAMES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "f1",
    "pk": "pk",
    "windowDiff": "window_diff",
}


def assert_same(found, expected):
    for name, attribute in NAMES.items():
        assert found[name] == pytest.approx(getattr(expected, attribute), abs=1e-12), name


def test_the_scores_are_those_of_eval_at_the_chosen_threshold(typed, runs_page, open_page):
    opened = open_page(runs_page)
    for number, name in enumerate(("mlp-w1-001", "mlp-w1-002")):
        opened.page.select_option("#system", str(number))
        scored = evaluate(typed, load_run(typed, name), split="dev", corpus_name="typed")
        assert_same(opened.scores(), scored.scores)
        assert opened.shown("f1") == round(scored.scores.f1, 3)


def test_the_scores_are_those_of_python_at_other_thresholds(typed, runs_page, open_page):
    opened = open_page(runs_page)
    run = load_run(typed, "mlp-w1-001")
    probabilities = evaluate(typed, run, split="dev", corpus_name="typed").probabilities
    layout = select_split(typed.load_corpus("typed"), "dev", "any").layout
    exact = float(np.sort(probabilities)[len(probabilities) // 2])  # one that a sentence has
    for threshold in (0.0, 0.1, exact, 0.5, 0.9, 1.0):
        opened.value(f"moveThreshold('any', {threshold!r}); refresh()")
        predicted = decode(layout, probabilities, threshold)
        assert_same(opened.scores(), score(layout, predicted))
        assert opened.value("Array.from(result.found.any)") == predicted.astype(int).tolist()
        candidates = layout.is_candidate
        assert opened.value("hits") == {
            "hit": int((predicted & layout.labels & candidates).sum()),
            "miss": int((~predicted & layout.labels & candidates).sum()),
            "false": int((predicted & ~layout.labels & candidates).sum()),
        }


def test_the_chart_of_lengths_follows_the_slider(typed, runs_page, open_page):
    opened = open_page(runs_page)
    run = load_run(typed, "mlp-w1-001")
    probabilities = evaluate(typed, run, split="dev", corpus_name="typed").probabilities
    layout = select_split(typed.load_corpus("typed"), "dev", "any").layout
    width, height = opened.value("Object.values(element('lengths').dataset).map(Number)")
    drawn = opened.page.locator("#lengths polyline.live")
    for threshold in (None, 0, 0.2, 0.9, 1):
        opened.value(f"moveThreshold('any', {json.dumps(threshold)}); refresh()")
        own = run.threshold if threshold is None else threshold
        starts = np.flatnonzero(decode(layout, probabilities, own))
        lengths = np.minimum(np.diff(np.append(starts, len(layout))), MAX_LENGTH)
        shares = np.bincount(lengths, minlength=MAX_LENGTH + 1)[1:] / len(lengths)
        points = [point.split(",") for point in drawn.get_attribute("points").split()]
        x, y = np.array(points, dtype=float).T
        np.testing.assert_allclose(x, np.linspace(0, width, MAX_LENGTH))
        np.testing.assert_allclose((1 - y / height) ** 2, shares, atol=1e-9)
        mean = f"At the slider (thick line): {len(layout) / len(starts):.2f}."
        assert opened.page.locator("#lengths figcaption").inner_text().endswith(mean)


PLACES = """(element) => [0, 0.3, 1].map((share) => {
    const point = element.getPointAtLength(share * element.getTotalLength());
    const { x, y } = point.matrixTransform(element.getScreenCTM());
    return [x, y];
})"""  # of a line on the screen


def test_the_marks_lie_on_the_drawings_until_the_slider_moves(runs_page, open_page):
    """The scripts of the page do not read the axes of the drawings."""
    opened = open_page(runs_page)
    for number in (0, 1):
        opened.page.select_option("#system", str(number))
        drawn = opened.page.locator("#lengths .mark-line path").nth(number).evaluate(PLACES)
        live = opened.page.locator("#lengths polyline.live").evaluate(PLACES)
        np.testing.assert_allclose(live, drawn, atol=0.5)
        dots = opened.page.locator("#precision-recall .mark-symbol path")
        live, drawn = (
            one.evaluate("(element) => element.getBoundingClientRect().toJSON()")
            for one in (opened.page.locator("#precision-recall circle.live"), dots.nth(number))
        )
        for start, size in (("x", "width"), ("y", "height")):
            centres = [box[start] + box[size] / 2 for box in (live, drawn)]
            assert centres[0] == pytest.approx(centres[1], abs=0.5)


def test_the_types_of_a_model_are_decided_together(typed, model_page, open_page):
    opened = open_page(model_page)
    model = load_ready_model("japanese")
    scored = evaluate_model(typed, model, split="test", corpus_name="typed")
    stored = typed.load_corpus("typed")
    heads = {name: scored.types[name].probabilities for name in ("any", "paragraph")}
    for moved in ({}, {"any": 0.9, "paragraph": 0.1}, {"any": 0.2}, {"paragraph": 0.95}):
        opened.value("KEYS.r()")
        for name, value in moved.items():
            opened.value(f"moveThreshold('{name}', {value})")
        own = {name: {"ja": moved.get(name, model.threshold(name, "ja"))} for name in heads}
        changed = type(model)(model.path, "", ("ja",), model.runs, own)
        layout = select_split(stored, "test", "any").layout
        languages = ["ja"] * len(layout.documents)
        expected = find_types(changed, layout, heads, languages)
        for name, predicted in expected.items():
            opened.page.select_option("#type", name)
            for head, value in moved.items():  # another type keeps the thresholds
                assert opened.value(f"state.moved['{head}']") == value
            layout = select_split(stored, "test", name).layout
            assert_same(opened.scores(), score(layout, predicted))


def test_the_groups_add_their_documents_up(typed, model_page, open_page):
    opened = open_page(model_page)
    scored = evaluate_model(typed, load_ready_model("japanese"), split="test", corpus_name="typed")
    part = select_split(typed.load_corpus("typed"), "test", "any")
    rows = opened.page.locator("#documents-table tbody tr")
    assert rows.count() == 2
    for author in ("author2", "author3"):
        of_author = np.repeat(
            [name.startswith(author) for name in part.document_ids], np.diff(part.offsets)
        )
        expected = score(part.layout.select(of_author), scored.predicted["any"][of_author])
        row = rows.filter(has_text=author)
        f1, precision, recall, pk = (
            float(text) for text in row.locator("td").all_inner_texts()[:4]
        )
        assert (f1, pk) == (round(expected.f1, 3), round(expected.pk, 3))
        assert (precision, recall) == (round(expected.precision, 3), round(expected.recall, 3))


def test_each_document_has_its_own_threshold_until_the_slider_moves(runs_page, open_page):
    opened = open_page(runs_page)
    marks = """(moved) => Array.from(marksOf(
        { probabilities: new Float32Array([0.1, 0.4, 0.6, 0.1, 0.4, 0.6]), thresholds: [0.5, 0.4] },
        moved, [{ start: 0, stop: 3 }, { start: 3, stop: 6 }]))"""
    assert opened.page.evaluate(marks, None) == [1, 0, 1, 1, 1, 1]
    assert opened.page.evaluate(marks, 0.5) == [1, 0, 1, 1, 0, 1]
