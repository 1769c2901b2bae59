"""Every command and every line of Python in the README runs.

tests/browser/test_readme.py runs what follows a correction on the page of `segtool serve`.
"""

import re
import shlex
import shutil
import subprocess
import sys
from urllib.request import urlopen

from tests.conftest import ROOT, STORIES, serving

README = (ROOT / "README.md").read_text(encoding="utf-8")
NEW_TEXT = (ROOT / "examples/unseen.txt").read_text(encoding="utf-8")
CORRECTED = "mlp-w4-001"  # the run that is trained on the page of `segtool serve`


def code_blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands_of_the_readme():
    lines = [line for block in code_blocks("console") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ segtool")]


def write_texts(folder):
    """Write the two texts that the README mentions."""
    (folder / "corpus.txt").write_text((STORIES / "eki.txt").read_text())
    (folder / "new.txt").write_text(NEW_TEXT)


def test_the_commands_of_the_readme_run_in_order(tmp_path, cli):
    write_texts(tmp_path)
    *commands, last = commands_of_the_readme()
    assert last == f"segtool segment new.txt --run {CORRECTED}"
    for command in commands:
        if command == "segtool serve":  # it runs until Ctrl-C, which ends it without an error
            with serving(tmp_path) as url, urlopen(url) as page:
                assert b"Split into paragraphs" in page.read()
            continue
        done = cli(tmp_path, *shlex.split(command, comments=True)[1:])
        assert done.returncode == 0, f"{command}: {done.stderr}"
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"corpus.txt", "new.txt", "report.html", ".segtool"}


def test_the_python_of_the_readme_runs(tmp_path):
    (tmp_path / "examples/stories").mkdir(parents=True)
    for path in sorted(STORIES.glob("*.txt"))[:3]:  # one for each split
        shutil.copy(path, tmp_path / "examples/stories")
    (tmp_path / "new.txt").write_text(NEW_TEXT)
    printed = ""
    for script in code_blocks("python"):
        assert len(script.strip().splitlines()) <= 12
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        printed += done.stdout
    assert "朝の市場" in printed


def test_the_output_in_the_readme_is_of_the_example_text():
    (shown,) = code_blocks("text")[:1]
    assert "".join(shown.split()) in NEW_TEXT  # without the indents and line breaks of the page


def test_the_links_of_the_readme_lead_to_documents():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target.partition("#")[0]).is_file(), target


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make (\w+)`", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
