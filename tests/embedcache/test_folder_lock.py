"""The lock of a folder, in real processes."""

import os
import subprocess
import sys

import pytest

from embedcache.folder_lock import folder_lock
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows cannot lock a folder")

HOLD = """
import sys
from pathlib import Path
from embedcache.folder_lock import folder_lock
with folder_lock(Path(sys.argv[1]), exclusive=sys.argv[2] == "exclusive"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder, how):
    command = [sys.executable, "-c", HOLD, str(folder), how]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, **pipes)
    assert process.stdout.readline() == "held\n"
    return process


def can_hold(folder, *, exclusive):
    try:
        with folder_lock(folder, exclusive=exclusive, wait=False):
            return True
    except BlockingIOError:
        return False


@pytest.mark.parametrize("how", ["shared", "exclusive"])
def test_a_lock_excludes_others_until_its_process_is_killed(tmp_path, how):
    with hold(tmp_path, how) as process:
        assert can_hold(tmp_path, exclusive=False) == (how == "shared")
        assert not can_hold(tmp_path, exclusive=True)
        process.kill()
    assert can_hold(tmp_path, exclusive=True)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_can_be_locked(tmp_path):
    tmp_path.chmod(0o555)
    assert can_hold(tmp_path, exclusive=True)
