"""The tutorial, from its beginning to its end: commands, both pages in a browser, and LangChain."""

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.browser.serve_pages import Served
from tests.conftest import ROOT, STORIES, serving
from tests.test_guide import NEW_TEXT, commands_in

TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
SPLIT = ("segment", "new.txt", "--run", "mlp-w4-002")


def look_at_errors(path, open_page):
    """Step 4: go to an error of the model in the report."""
    report = open_page(path)
    kinds = report.value("shownKinds")
    report.page.keyboard.press("n")
    assert kinds[report.value("state.current")] in ("miss", "false")
    report.page.get_by_text("False alarms", exact=False).locator("visible=true").first.click()
    shown = report.value("sentences.filter((row) => !row.hidden).length")
    assert (shown > 0) == ("false" in kinds)


def correct_a_page(folder, chromium):
    """Step 7: open a file on the page, correct it and train; return the command on the page."""
    with serving(folder) as url:
        page = chromium.new_page()
        page.goto(url)
        opened = Served(page)
        opened.choose("mlp-w4-001")
        page.locator("#files").set_input_files(folder / "new.txt")
        page.locator("#book p").first.wait_for()
        page.locator("#progress").wait_for(state="hidden")
        assert page.locator("#answered").inner_text() == "mlp-w4-001"
        before = opened.paragraphs()
        opened.mark(opened.inner()).click()
        opened.mark(opened.value("blocks[2].start")).click()
        corrected = opened.paragraphs()
        assert corrected != before
        page.get_by_role("button", name="All checked").click()
        page.get_by_role("button", name="Train an adapted model").click()
        page.locator("#trained table").wait_for(timeout=120_000)
        assert "mlp-w4-002 was trained from mlp-w4-001" in page.locator("#trained").inner_text()
        command = page.locator("#trained code").inner_text()
        page.close()
    return command


def test_the_tutorial_leads_from_a_novel_to_langchain(tmp_path, segtool, chromium, open_page):
    (tmp_path / "novel.txt").write_text((STORIES / "tokeiya.txt").read_text())
    (tmp_path / "new.txt").write_text(NEW_TEXT)
    blocks = re.findall(r"```console\n(.*?)```", TUTORIAL, re.DOTALL)
    commands = [command for block in blocks for command in commands_in(block)]
    for command in commands:
        if command == ["serve"]:
            shown = correct_a_page(tmp_path, chromium)
            assert shown == f"segtool {' '.join(SPLIT)} --workspace .segtool"
            continue
        done = segtool(tmp_path, *command)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        if command[0] == "report":
            look_at_errors(tmp_path / "report.html", open_page)
    assert "".join((tmp_path / "split.txt").read_text().split()) == "".join(NEW_TEXT.split())
    assert (tmp_path / "split.txt").read_text() == segtool(tmp_path, *SPLIT).stdout
    if not find_spec("langchain_text_splitters"):
        pytest.skip("the last step needs the package langchain-text-splitters")
    (code,) = re.findall(r"```py\n(.*?)```", TUTORIAL, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n\n") > 1
    assert "".join(done.stdout.split()) == "".join(NEW_TEXT.split())
