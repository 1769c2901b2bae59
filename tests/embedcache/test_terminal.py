"""Progress: plain lines if standard error is not a terminal, a bar on a terminal."""

import os
import subprocess
import sys

import pytest

from embedcache import terminal
from embedcache.terminal import progress_bar
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Write a line at every update, however little time has passed."""
    monkeypatch.setattr(terminal, "_INTERVAL", 0)


def lines_of(capsys):
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "\r" not in printed.err
    return printed.err.splitlines()


def test_progress_is_plain_lines_in_a_pipe(capsys):
    with progress_bar(4000, "sentences", show=True, description="epoch 2") as bar:
        bar.update(1000)
    (line,) = lines_of(capsys)
    assert line.startswith("epoch 2: 1,000 of 4,000 sentences (25%), ")
    assert line.endswith(" left")
    assert " sentences/s, " in line


def test_bytes_have_units(capsys):
    with progress_bar(4_000_000, "B", show=True) as bar:
        bar.update(1_000_000)
    (line,) = lines_of(capsys)
    assert line.startswith("1.00MB of 4.00MB (25%), ")


def test_what_was_done_before_does_not_count_for_the_rate(capsys):
    with progress_bar(10, "steps", show=True, done=5) as bar:
        bar.update(0)
        bar.set_description("loading")
    assert lines_of(capsys) == []


@pytest.mark.parametrize("show", [True, False])
def test_progress_can_be_silenced(capsys, monkeypatch, show):
    monkeypatch.setattr(terminal, "_is_silent", show)
    with progress_bar(10, "steps", show=show) as bar:
        bar.update(5)
    assert lines_of(capsys) == []


BAR = """
from embedcache.terminal import progress_bar
with progress_bar(4, "steps", show=True, delay=0) as bar:
    bar.update(3)
    bar.refresh()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_progress_is_a_bar_on_a_terminal():
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-c", BAR]
    with subprocess.Popen(command, cwd=ROOT, stderr=theirs):
        pass
    os.close(theirs)
    shown = os.read(ours, 10000).decode()
    os.close(ours)
    assert "3/4" in shown
    assert "\r" in shown
