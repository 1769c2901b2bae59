"""The tutorial, from its beginning to its end: commands, both pages in a browser, and LangChain.

With NOTEBOOK=1, the output of the commands and screenshots of both pages are written to
docs/tutorial.ipynb.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.browser.serve_pages import Served
from tests.conftest import serving
from tests.notebook import NOTEBOOK, SETUP, TUTORIAL, cells_of, write_notebook
from tests.test_guide import commands_in

SPLIT = ("segment", "new.txt", "--run", "mlp-w4-002")


def screenshot_of(page):
    page.set_viewport_size({"width": 1200, "height": 760})
    page.evaluate("scrollTo(0, 0)")
    return page.screenshot(type="jpeg", quality=60)


def look_at_errors(path, open_page):
    """Step 4: go to an error of the model in the report; return a screenshot."""
    report = open_page(path)
    kinds = report.value("shownKinds")
    report.page.keyboard.press("n")
    assert kinds[report.value("state.current")] in ("miss", "false")
    screenshot = screenshot_of(report.page)
    report.page.get_by_text("False alarms", exact=False).locator("visible=true").first.click()
    shown = report.value("sentences.filter((row) => !row.hidden).length")
    assert (shown > 0) == ("false" in kinds)
    return screenshot


def correct_a_page(folder, chromium):
    """Step 7: open a file on the page, correct it and train; return a screenshot.

    The page also shows how to use the run in a terminal.
    """
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
        assert opened.paragraphs() != before
        page.get_by_role("button", name="All checked").click()
        page.get_by_role("button", name="Train an adapted model").click()
        page.locator("#trained table").wait_for(timeout=120_000)
        assert "mlp-w4-002 was trained from mlp-w4-001" in page.locator("#trained").inner_text()
        command = page.locator("#trained code").inner_text()
        assert command == f"segtool {' '.join(SPLIT)} --workspace .segtool"
        screenshot = screenshot_of(page)
        page.close()
    return screenshot


def use_from_langchain(code, folder, text):
    """Step 8: run the code of the tutorial; return what it prints."""
    if not find_spec("langchain_text_splitters"):
        pytest.skip("the last step needs the package langchain-text-splitters")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n\n") > 1
    assert "".join(done.stdout.split()) == text
    return done.stdout


def set_up(folder):
    """Run the first cell of the notebook, which makes the texts; return their folder."""
    done = subprocess.run(
        [sys.executable, "-c", f"{SETUP}\nprint(os.getcwd())"],
        cwd=NOTEBOOK.parent,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return Path(done.stdout.strip())


def test_the_tutorial_leads_from_a_novel_to_langchain(tmp_path, segtool, chromium, open_page):
    folder = set_up(tmp_path)
    text = (folder / "new.txt").read_text()
    printed, pictures = {}, {}
    for cell in [source for kind, source in cells_of(TUTORIAL) if kind == "code"]:
        if cell == "!segtool serve":
            pictures[cell] = correct_a_page(folder, chromium)
        elif cell.startswith("!"):
            printed[cell] = ""
            for command in commands_in(cell.replace("!", "$ ")):
                done = segtool(folder, *command)
                assert done.returncode == 0, f"{command}: {done.stderr}"
                printed[cell] += (done.stderr + done.stdout).replace(f"{folder}/", "")
        elif cell != SETUP:
            split = (folder / "split.txt").read_text()
            assert "".join(split.split()) == text
            assert split == segtool(folder, *SPLIT).stdout
            printed[cell] = use_from_langchain(cell, folder, text)
        if " report " in cell:
            pictures[cell] = look_at_errors(folder / "report.html", open_page)
    if os.environ.get("NOTEBOOK"):
        write_notebook(printed, pictures, NOTEBOOK)
