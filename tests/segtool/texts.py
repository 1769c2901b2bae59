"""Texts, and a check of error messages, for tests of several commands."""

from tests.conftest import ROOT, STORIES

NOVEL = "".join(path.read_text() for path in sorted(STORIES.glob("*.txt"))[:3])
UNSEEN = (ROOT / "examples/unseen.txt").read_text()
ODD = "One.  Two!\r\nThree\tfour. “Five?” six\u2028seven. 雨。\n\n　風「が」。吹く\n"


def mistake(done):
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line
