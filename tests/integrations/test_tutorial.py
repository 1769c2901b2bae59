"""Every command of the tutorial runs, from its beginning to its end."""

import re

from tests.conftest import ROOT, STORIES
from tests.test_guide import NEW_TEXT, commands_in

TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")


def test_the_tutorial_leads_from_a_novel_to_an_adapted_model(tmp_path, segtool):
    (tmp_path / "novel.txt").write_text((STORIES / "tokeiya.txt").read_text())
    (tmp_path / "new.txt").write_text(NEW_TEXT)
    blocks = re.findall(r"```console\n(.*?)```", TUTORIAL, re.DOTALL)
    commands = [command for block in blocks for command in commands_in(block)]
    assert len(commands) == 9
    for command in commands:
        done = segtool(tmp_path, *command)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    assert "".join((tmp_path / "split.txt").read_text().split()) == "".join(NEW_TEXT.split())
