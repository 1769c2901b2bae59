"""The screenshots of the README: both pages, with the example stories.

With PICTURES=1, they are written to docs/images.
"""

import io
import os

import pytest
from PIL import Image

from segclf import ReadOptions, Workspace, embed
from segclf.report.make import make_report
from segclf.workspace.ready import load_ready_model
from tests.browser.serve_pages import Served
from tests.conftest import ROOT, STORIES, serving

IMAGES = ROOT / "docs/images"


def keep(page, name):
    """Take a screenshot of the page, and write it with few colours, as a small file."""
    data = page.screenshot()
    assert len(data) > 10_000
    if os.environ.get("PICTURES"):
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        picture = picture.quantize(256, dither=Image.Dither.NONE)
        picture.save(IMAGES / name, optimize=True)
        assert (IMAGES / name).stat().st_size < 150_000


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of the ready model for Japanese on the stories."""
    folder = tmp_path_factory.mktemp("pictures")
    workspace = Workspace(folder / "work")
    embed(STORIES, workspace, options=ReadOptions(boundary="typed"), split="dev")
    return make_report(workspace, [load_ready_model("japanese")], folder / "report.html").path


def test_a_picture_of_the_report(report, open_page):
    opened = open_page(report, viewport={"width": 1280, "height": 920})
    opened.value("moveThreshold('any', 0.3); refresh()")
    kinds = opened.value("shownKinds")
    for _ in range(kinds.index("miss", 30)):
        if opened.value("state.current") >= 30 and kinds[opened.value("state.current")] == "miss":
            break
        opened.page.keyboard.press("n")
    opened.page.evaluate("scrollTo(0, 0)")
    opened.page.wait_for_timeout(300)
    keep(opened.page, "report.png")


def test_a_picture_of_serve(tmp_path, chromium):
    with serving(tmp_path) as url:
        page = chromium.new_page(viewport={"width": 1280, "height": 860})
        page.goto(url)
        opened = Served(page)
        page.get_by_role("button", name="English").click()
        page.locator("#book p").first.wait_for()
        page.locator("#progress").wait_for(state="hidden")
        missed, asked = (
            opened.value(f"text.sentences.findIndex((own) => own.text.includes('{part}'))")
            for part in ("How did you know", "asked a voice")
        )
        opened.mark(missed).click()
        page.locator(f".s[data-i='{asked}']").click()
        page.locator("#effects li").first.wait_for()
        page.wait_for_timeout(300)
        keep(page, "serve.png")
        page.close()
