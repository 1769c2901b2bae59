"""Correcting boundaries on the page of `segtool serve`, training from them, and downloads."""

import json

from segclf import Workspace, load_run
from tests.browser.serve_pages import RUN, TEXT


def test_clicking_a_mark_begins_or_joins_a_paragraph(open_served):
    opened = open_served()
    opened.split()
    i = opened.inner()
    before = opened.paragraphs()
    opened.mark(i).click()
    assert opened.begins(i)
    assert len(opened.paragraphs()) == len(before) + 1
    assert "added" in opened.mark(i).get_attribute("class")
    assert "You made this decision" in opened.page.locator("#verdict").inner_text()
    assert opened.page.locator("#book .checked").count() > 0
    kind = opened.value(f"own.kindAt(text, {i})")
    opened.mark(i).click()
    assert {kind, opened.value(f"own.kindAt(text, {i})")} == {"paragraph", "line"}
    assert len(opened.paragraphs()) == len(before) + 1
    opened.mark(i).click()
    assert opened.paragraphs() == before
    assert opened.value("text.corrections.size") == 0
    found = opened.value("blocks[3].start")
    opened.mark(found).click()
    assert not opened.begins(found)
    assert "removed" in opened.mark(found).get_attribute("class")
    assert "1 boundary" in opened.page.locator("#corrected").inner_text()
    opened.drag_threshold(0.02)
    assert not opened.begins(found)  # a correction holds at every threshold
    for _ in range(4):
        opened.page.get_by_role("button", name="Undo").click()
    opened.page.get_by_role("button", name="Reset").click()
    opened.page.wait_for_timeout(100)
    assert opened.paragraphs() == before
    assert opened.page.get_by_role("button", name="Undo").is_disabled()


def test_a_japanese_boundary_is_a_paragraph_or_a_line(open_served):
    opened = open_served()
    opened.split("雨が降る。「寒い。」と彼は言った。夜になった。窓が鳴る。" * 8)
    i = opened.inner()
    opened.page.locator(f".s[data-i='{i}']").click()
    opened.page.get_by_text("↵ Line", exact=True).click()
    assert opened.value(f"own.kindAt(text, {i})") == "line"
    opened.page.locator("#book").focus()
    opened.page.keyboard.press("l")
    assert opened.value(f"own.kindAt(text, {i})") == "paragraph"
    opened.page.get_by_text("Nothing", exact=True).click()
    assert not opened.begins(i)


def test_a_model_is_trained_from_corrections_and_used(open_served, served):
    opened = open_served()
    opened.split()
    assert opened.page.get_by_role("button", name="Train").is_disabled()
    opened.mark(opened.inner()).click()
    for i in range(4, 68, 14):
        if not opened.begins(i):
            opened.mark(i).click()
    opened.page.get_by_role("button", name="All checked").click()
    labelled = opened.value("own.labelledOf(text)")
    assert len(labelled["sentences"]) == opened.value("text.sentences.length")
    opened.page.get_by_role("button", name="Train").click()
    opened.page.locator("#trained table").wait_for(timeout=120_000)
    shown = opened.page.locator("#trained").inner_text()
    (start, run) = (RUN, opened.page.locator("#trained .outcome").inner_text().split()[0])
    assert f"{run} was trained from {start} on {len(labelled['sentences'])} sentences" in shown
    assert f"with {sum(labelled['labels'])} boundaries" in shown
    assert "trained without its part of the text (5 parts)" in shown
    assert "): the scores are uncertain" in shown
    assert "It is saved in the workspace" in shown
    workspace = Workspace(served / ".segtool")
    stored = workspace.load_corpus(load_run(workspace, run).record.corpus)
    assert stored.corpus.sentences == labelled["sentences"]
    corrections = opened.value("text.corrections.size")
    opened.page.get_by_role("button", name=f"Split with {run}").click()
    opened.page.locator("#answered").get_by_text(run).wait_for()
    opened.page.locator("#progress").wait_for(state="hidden")
    assert opened.page.locator("#model").input_value() == run
    opened.page.wait_for_timeout(300)
    assert opened.value("text.corrections.size") == corrections
    cells = opened.page.locator("#trained tr").nth(1).locator("td").all_inner_texts()
    assert all(0 <= float(cell) <= 1 for cell in cells)


def test_too_few_corrections_are_reported_in_one_line(open_served):
    opened = open_served()
    opened.split("雨が降る。風も吹く。夜になった。朝が来た。")
    opened.page.get_by_role("button", name="All checked").click()
    opened.page.get_by_role("button", name="Train").click()
    opened.page.locator("#trained").get_by_text("check at least 20").wait_for()
    assert opened.page.get_by_role("button", name="Train").is_enabled()
    opened.errors = [text for text in opened.errors if "422" not in text]


def test_corrections_are_downloaded_in_each_format(open_served, tmp_path):
    opened = open_served()
    opened.split()
    i = opened.inner()
    opened.mark(i).click()

    def download(name):
        with opened.page.expect_download() as found:
            opened.page.get_by_role("button", name=name, exact=True).click()
        path = tmp_path / found.value.suggested_filename
        found.value.save_as(path)
        return path

    paragraphs = opened.paragraphs()
    page = download("Page")
    assert page.name == "Pasted text - paragraphs.txt"
    assert [line.strip("\u3000") for line in page.read_text().splitlines()] == paragraphs
    assert download("Text").read_text().count("\n\n") == len(paragraphs) - 1
    assert download("HTML").read_text().count("<p") == len(paragraphs)
    found = json.loads(download("JSON").read_text())
    assert found["text"] == TEXT
    assert found["sentences"][i]["boundary"]
