"""The tutorial as a notebook: its text and commands as cells, with what a run printed."""

import base64
import json
import re
from pathlib import Path

from tests.conftest import ROOT

TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
NOTEBOOK = ROOT / "docs/tutorial.ipynb"
INTRODUCTION = (
    "This notebook is the [tutorial](tutorial.md) with its results. A short story takes the "
    "place of the novel. To run it, open it in a clone of the repository. `segtool serve` runs "
    "until the kernel is interrupted."
)
SETUP = """import os, shutil, tempfile
from pathlib import Path

examples = Path("../examples").resolve()
os.chdir(tempfile.mkdtemp())
shutil.copy(examples / "stories/tokeiya.txt", "novel.txt")
lines = (examples / "stories/eki.txt").read_text(encoding="utf-8").splitlines()[:32]
text = "".join(line.strip() for line in lines if line.startswith(("　", "「")))
Path("new.txt").write_text(text, encoding="utf-8");"""


def cells_of(tutorial: str) -> list[tuple[str, str]]:
    """Return the type and the source of each cell."""
    cells = [("markdown", INTRODUCTION), ("code", SETUP)]
    for part in re.split(r"^(```(?:console|py)\n.*?^```$)", tutorial, flags=re.DOTALL | re.M):
        if found := re.fullmatch(r"```(\w+)\n(.*)\n```", part, re.DOTALL):
            source = found[2] if found[1] == "py" else re.sub("^[$] ", "!", found[2], flags=re.M)
            cells.append(("code", source))
        elif part.strip():
            cells.append(("markdown", part.strip()))
    return cells


def write_notebook(printed: dict[str, str], pictures: dict[str, bytes], path: Path) -> None:
    """Write the notebook.

    Args:
        printed: Source of a cell -> text that it printed.
        pictures: Source of a cell -> JPEG picture of the page that it opened.
        path: File to write.
    """
    cells = []
    for number, (kind, source) in enumerate(cells_of(TUTORIAL)):
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": lines(source)}
        if kind == "code":
            outputs = []
            if text := printed.get(source):
                outputs.append({"output_type": "stream", "name": "stdout", "text": lines(text)})
            if picture := pictures.get(source):
                data = {"image/jpeg": base64.b64encode(picture).decode()}
                outputs.append({"output_type": "display_data", "data": data, "metadata": {}})
            cell |= {"execution_count": None, "outputs": outputs}
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
