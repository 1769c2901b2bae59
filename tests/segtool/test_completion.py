"""Completion in a shell: real shells where they are installed, real folders."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segtool.app import app

# the shell is then named, since the process that runs the tests may have been started by any
SHELL_IS_NAMED = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
BIN = str(Path(sys.executable).parent)


@pytest.fixture
def completed(trained, monkeypatch):
    """A function that returns what bash would offer for the last of some words."""
    monkeypatch.chdir(trained)
    monkeypatch.delenv("SEGTOOL_HOME", raising=False)

    def complete(*words):
        asked = {
            "_SEGTOOL_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(["segtool", *words]),
            "COMP_CWORD": str(len(words)),
        }
        done = CliRunner().invoke(app, [], prog_name="segtool", env=asked)
        assert done.exit_code == 0, done.output
        return done.stdout.split()

    return complete


@pytest.mark.parametrize(
    ("shell", "beginning"),
    [
        ("bash", "_segtool_completion()"),
        ("zsh", "#compdef segtool"),
        ("fish", "complete --command segtool"),
        ("powershell", "Import-Module PSReadLine"),
    ],
)
def test_each_shell_has_a_script(monkeypatch, shell, beginning):
    for name, value in SHELL_IS_NAMED.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["--show-completion", shell], prog_name="segtool")
    assert done.stdout.startswith(beginning)


@pytest.mark.skipif(not shutil.which("bash"), reason="requires bash")
def test_bash_completes_with_the_installed_script(segtool, tmp_path):
    variables = SHELL_IS_NAMED | {"HOME": str(tmp_path)}
    done = segtool(tmp_path, "--install-completion", "bash", variables=variables)
    assert done.returncode == 0, done.stderr
    asked = f'. {tmp_path}/.bashrc; PATH="{BIN}:$PATH" COMP_WORDS=(segtool tr) COMP_CWORD=1\n'
    asked += "_segtool_completion segtool; echo ${COMPREPLY[@]}"
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "train\n", done.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("train --he", ["--head", "--help"]),
        ("eval m", ["mlp-w1-001"]),
        ("eval j", ["japanese", "japanese-fast"]),
        ("segment --run m", ["mlp-w1-001"]),
        ("segment --model e", ["european", "european-fast"]),
        ("train --corpus s", ["stories"]),
        ("embed --encoder surf", ["surface"]),
        ("export --workspace nowhere m", []),
        ("export --workspace .segtool m", ["mlp-w1-001"]),
        ("runs --workspace nowhere show m", []),
        ("runs --workspace nowhere show --workspace .segtool m", ["mlp-w1-001"]),
    ],
)
def test_options_and_names_are_completed(completed, words, expected):
    assert completed(*words.split()) == expected


def test_names_are_those_of_the_workspace_in_the_configuration_file(
    completed, trained, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "segtool.toml"
    file.write_text(f'[eval]\nworkspace = "{trained}/.segtool"\n[runs.show]\nworkspace = "none"\n')
    assert completed("eval", "m") == ["mlp-w1-001"]
    assert completed("runs", "show", "m") == []
    assert completed("eval", "--workspace", "none", "m") == []
    file.write_text(f'workspace = "{trained}/.segtool"\n')
    assert completed("runs", "show", "m") == ["mlp-w1-001"]
    file.write_text("wrong = 1\n")
    assert completed("eval", "m") == []
    monkeypatch.setenv("SEGTOOL_HOME", str(trained / ".segtool"))
    file.write_text('workspace = "none"\n')
    assert completed("eval", "m") == ["mlp-w1-001"]
