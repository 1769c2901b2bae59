"""A test runs all code in the documents, and all their links have a target."""

import json
import re

import pytest

from tests.conftest import ROOT
from tests.notebook import NOTEBOOK, TUTORIAL, cells_of

PAGES = sorted((ROOT / "docs").rglob("*.md"))
RUN_BY = {
    "console": ("guide.md", "tutorial.md"),  # tests/test_guide.py, tests/browser/test_tutorial.py
    "python": ("guide.md", "architecture.md"),  # tests/test_guide.py, tests/test_architecture.py
    "py": ("guide.md", "tutorial.md"),  # tests/integrations/test_guide.py, tests/browser
}
NOT_CODE = ("text", "json", "toml", "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_code_is_run(page):
    blocks = re.findall(r"^```(\w*)\n.*?^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    for language in blocks:
        assert language in NOT_CODE or page.name in RUN_BY[language], language


def test_the_notebook_has_the_text_and_the_commands_of_the_tutorial():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    written = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    assert written == cells_of(TUTORIAL), "the tutorial has changed: run make notebook"
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert sum("image/jpeg" in output.get("data", {}) for output in outputs) == 2
    assert all(cell["outputs"] for cell in cells[2:] if cell["cell_type"] == "code")
    assert NOTEBOOK.stat().st_size < 500_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_the_documents_lead_to_files(page):
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).is_file(), target
