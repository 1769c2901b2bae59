"""The command line in this process, for tests that need no process of their own."""

import subprocess
import sys

import pytest

from segtool.app import main


@pytest.fixture
def command(monkeypatch, capfd):
    """Run a command in a folder, without starting a process: command(folder, "runs", "--json")."""

    def run(folder, *arguments):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["segtool", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        printed = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code, printed.out, printed.err)

    return run
