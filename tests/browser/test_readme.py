"""The steps of the README work: a text, its errors, corrections, a new model and LangChain."""

import shlex
import subprocess
import sys

from tests.browser.serve_pages import Served
from tests.browser.test_tutorial import look_at_errors
from tests.conftest import serving
from tests.test_readme import (
    CORRECTED,
    NEW_TEXT,
    README,
    code_blocks,
    commands_of_the_readme,
    write_texts,
)


def follow_the_page(folder, chromium):
    """Follow the instructions of the README for the page of `segtool serve`."""
    buttons = ("Split into paragraphs", "All checked", "Train an adapted model")
    assert all(f'"{name}"' in README.replace("\n", " ") for name in buttons)
    with serving(folder) as url:
        page = chromium.new_page()
        page.goto(url)
        opened = Served(page)
        page.locator("#source").fill(NEW_TEXT)
        page.get_by_role("button", name=buttons[0]).click()
        page.locator("#book p").first.wait_for()
        page.locator("#progress").wait_for(state="hidden")
        before = len(opened.paragraphs())
        opened.mark(opened.inner()).click()
        assert len(opened.paragraphs()) == before + 1
        opened.mark(opened.value("blocks[2].start")).click()
        page.get_by_role("button", name=buttons[1]).click()
        page.get_by_role("button", name=buttons[2]).click()
        page.locator("#trained .outcome").wait_for(timeout=120_000)
        assert page.locator("#trained .outcome").inner_text().startswith(CORRECTED)
        assert "before" in page.locator("#trained table").inner_text().lower()
        page.close()


def test_the_readme_leads_from_a_text_to_langchain(tmp_path, segtool, chromium, open_page):
    write_texts(tmp_path)
    for command in commands_of_the_readme():
        if command == "segtool serve":
            follow_the_page(tmp_path, chromium)
            continue
        done = segtool(tmp_path, *shlex.split(command)[1:])
        assert done.returncode == 0, f"{command}: {done.stderr}"
        if "report" in command:
            look_at_errors(tmp_path / "report.html", open_page)
    assert CORRECTED in done.stderr
    assert "".join(done.stdout.split()) == "".join(NEW_TEXT.split())
    (code,) = code_blocks("py")
    done = subprocess.run(
        [sys.executable, "-c", f'{code}\nprint("".join(chunks))'],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "".join(done.stdout.split()) == "".join(NEW_TEXT.split())
