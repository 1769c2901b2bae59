"""Behaviour on Windows, as far as Linux can simulate it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from embedcache import load_encoder
from tests.conftest import ROOT, STORIES

WITHOUT_POSIX = os.pathsep.join([str(ROOT / "tests" / "without_posix"), str(ROOT)])
SURFACE = ["--encoder", "surface", "--split", "80/10/10"]
GRID = ["--head", "mlp", "--window", "1", "--seed", "0,1", "--set", "epochs=1"]


@pytest.fixture(scope="module")
def swept(tmp_path_factory, segtool):
    """A folder in which a corpus with a Japanese name was embedded and swept, without POSIX."""
    folder = tmp_path_factory.mktemp("swept")
    for command in (
        ["embed", str(STORIES), "--name", "物語", *SURFACE],
        ["sweep", *GRID, "--jobs", "2", "--json"],
    ):
        done = segtool(folder, *command, variables={"PYTHONPATH": WITHOUT_POSIX})
        assert done.returncode == 0, done.stderr
    return folder


def test_a_sweep_needs_no_posix_calls(swept):
    assert len(list((swept / ".segtool/runs").glob("mlp-w1-*/eval-test.json"))) == 2


@pytest.mark.parametrize(
    ("command", "encoding", "name"),
    [
        ("stats", "ascii", r"\u7269\u8a9e"),
        ("runs", "cp1252", r"\u7269\u8a9e"),
        ("runs", "cp932", "物語"),
    ],
)
def test_tables_can_be_printed_in_any_encoding(swept, command, encoding, name):
    console = os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": "200"}
    arguments = [str(Path(sys.executable).parent / "segtool"), command]
    done = subprocess.run(arguments, cwd=swept, env=console, capture_output=True, encoding=encoding)
    assert done.returncode == 0, done.stderr
    assert name in done.stdout


@pytest.mark.parametrize("command", [["stats"], ["segment", str(STORIES / "eki.txt")]])
def test_json_is_utf8_in_any_console(swept, segtool, command):
    done = segtool(swept, *command, "--json", variables={"PYTHONIOENCODING": "cp1252"})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    assert any(character > "\u3000" for character in done.stdout)


@pytest.mark.parametrize("name", [r"C:\models\bert", r"C:\models\bert:1", r"\\server\a:1"])
def test_the_path_of_a_model_may_have_a_drive(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder, _, layer = name.rpartition(":") if name.endswith(":1") else (name, "", None)
    shutil.copytree(load_encoder("minilm").directory, tmp_path / folder)
    encoder, surface = load_encoder(f"{name}+surface").parts
    assert encoder.fingerprint == load_encoder("minilm:1" if layer else "minilm").fingerprint
    assert surface.name == "surface"


def test_a_file_of_word_vectors_may_have_a_drive(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / r"C:\ja.vec").write_text("1 2\nneko 0 1\n", encoding="utf-8")
    assert load_encoder(r"wordvec:C:\ja.vec").dim == 2
