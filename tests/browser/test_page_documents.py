"""Reports of unusual documents: short, without boundaries, written right to left; and printing."""

import shutil

import numpy as np
import pytest

from segclf import Workspace, embed, train
from segclf.report.make import make_report
from segclf.tasks.adapt import CorrectedText, adapt
from segclf.tasks.models import Compute
from segclf.tasks.segment import Segmenter
from segclf.training.options import TrainingOptions
from segclf.workspace.ready import load_ready_model
from tests.browser.conftest import write_corpus
from tests.browser.test_page import VISIBLE_ROWS

DAY = ["It rained.", "Nobody went out.", "The Ferry was late.", "Night came early."]
HEBREW = "הגשם ירד (שוב)."


@pytest.fixture(scope="module")
def documents_page(tmp_path_factory):
    """A page of dev with four documents."""
    folder = tmp_path_factory.mktemp("documents")
    dev = {
        "usual": (DAY * 8, [1, 0, 0, 1] * 8),
        "no boundary": (DAY * 4, [1, *[0] * 15]),
        "short": (DAY[:2], [1, 1]),
        "hebrew": ([HEBREW] * 12, [1, 0, 0] * 4),
    }
    documents = [("train", DAY * 8, [1, 0, 0, 1] * 8)]
    documents += [(name, *content) for name, content in dev.items()]
    corpus = write_corpus(
        folder / "days.jsonl", documents, lambda name: "train" if name == "train" else "dev"
    )
    workspace = Workspace(folder / "work")
    embed(corpus, workspace, encoder_name="surface")
    run = train(workspace, TrainingOptions(head="mlp", window=1, epochs=1))
    return make_report(workspace, [run], folder / "days.html").path


@pytest.fixture(scope="module")
def adapted_page(typed, tmp_path_factory):
    """A page of dev with a run that has two heads."""
    folder = tmp_path_factory.mktemp("adapted")
    workspace = Workspace(shutil.copytree(typed.path, folder / "work"))
    part = workspace.load_corpus("typed").corpus
    model = Segmenter(workspace, load_ready_model("japanese-fast"), Compute()).load(
        "".join(part.sentences[:20]), "ja"
    )
    text = CorrectedText(part.sentences, part.types.astype(np.int8))
    run = adapt(workspace, model, [text]).run
    return make_report(workspace, [run], folder / "adapted.html").path


def test_the_threshold_of_either_head_changes_the_boundaries(adapted_page, open_page):
    opened = open_page(adapted_page)
    hint = opened.page.locator("#hint")
    for head, is_shown in (("any", True), ("paragraph", False)):
        opened.page.locator(f"#threshold-{head}").focus()
        opened.page.keyboard.press("Home")
        opened.page.wait_for_timeout(100)
        assert opened.value(f"state.moved.{head}") == 0
        assert hint.is_visible() == is_shown  # the command has no option for the second head
    assert opened.value("sentences.every((row) => row.dataset.found === '¶')")


def test_scores_that_are_not_defined_come_last(documents_page, open_page):
    opened = open_page(documents_page)
    rows = opened.page.locator("#documents-table tbody tr")
    row = {name: rows.filter(has_text=name) for name in ("no boundary", "short")}
    assert row["no boundary"].locator("td").all_inner_texts()[:3] == ["–"] * 3
    assert row["short"].locator("td").nth(3).inner_text() == "–"  # there is no window in it
    for key, last in (("F1", "no boundary"), ("Pk", "short")):
        button = opened.page.get_by_role("button", name=key, exact=True)
        for _ in range(2):
            button.click()
            assert rows.last.locator("th").inner_text() == last


def test_a_text_is_found_in_upper_and_lower_case(documents_page, open_page):
    opened = open_page(documents_page)
    opened.page.locator("#search").fill("the ferry")
    opened.page.keyboard.press("Enter")
    assert opened.value("data.sentences[state.current]") == "The Ferry was late."
    assert opened.value("state.current") in opened.value(VISIBLE_ROWS)


def test_a_key_moves_the_threshold_to_the_number_that_is_shown(documents_page, open_page):
    opened = open_page(documents_page)
    opened.page.keyboard.press("]")
    opened.page.wait_for_timeout(100)
    shown = opened.page.locator(".slider .number").inner_text()
    assert opened.value("state.moved.any") == float(shown)


def test_a_sentence_has_the_direction_of_its_script(documents_page, open_page):
    opened = open_page(documents_page)
    edges = """(word) => {
        const row = sentences.find(({ textContent }) => textContent.startsWith(word));
        const range = document.createRange();
        range.setStart(row.firstChild, 0);
        range.setEnd(row.firstChild, 1);
        row.scrollIntoView();
        const [first, whole] = [range, row].map((one) => one.getBoundingClientRect());
        return (first.left - whole.left) / whole.width;
    }"""
    assert opened.page.evaluate(edges, "It rained") < 0.3
    assert opened.page.evaluate(edges, HEBREW[:4]) > 0.7


def test_the_scores_are_printed_without_controls(documents_page, open_page):
    opened = open_page(documents_page, viewport={"width": 720, "height": 1000})
    opened.page.emulate_media(media="print")
    for selector in ("#text", "#theme", "#all-documents"):
        assert opened.page.locator(selector).is_hidden()
    assert opened.value("getComputedStyle(document.querySelector('.panel')).position") == "static"
    table = opened.page.locator(".comparison table").first.bounding_box()
    assert table["x"] + table["width"] <= 720


def test_a_pressed_button_can_be_read_under_the_pointer(documents_page, open_page):
    opened = open_page(documents_page)
    opened.page.get_by_role("button", name="Vertical").click()
    style = opened.page.locator("#vertical").evaluate(
        "(button) => [getComputedStyle(button).color, getComputedStyle(document.querySelector("
        "'.card')).backgroundColor]"
    )
    assert style[0] == style[1]
