"""`segtool clean` on files that a killed process left."""

import json
import shutil
import subprocess
import sys

from embedcache.files import scratch_folder
from segclf.workspace.runs import UNFINISHED
from segclf.workspace.workspace import Workspace
from tests.conftest import ROOT

KILLED = """
import os, pathlib, sys
from embedcache.files import scratch_folder
with scratch_folder(pathlib.Path(sys.argv[1])) as folder:
    (folder / "half").write_bytes(bytes(5000))
    os._exit(1)
"""


def leave_file(folder):
    subprocess.run([sys.executable, "-c", KILLED, str(folder)], cwd=ROOT)
    (leftover,) = folder.glob(".*.scratch")
    return leftover


def test_files_of_killed_commands_are_removed(trained, tmp_path, cli):
    shutil.copytree(trained, tmp_path / "copy")
    folder = tmp_path / "copy"
    before = sorted(folder.rglob("*"))
    leftover = leave_file(folder / ".segtool/runs")
    with scratch_folder(folder / ".segtool/corpora") as in_use:
        dry = json.loads(cli(folder, "clean", "--dry-run", "--json").stdout)
        assert dry["paths"] == [{"path": f".segtool/runs/{leftover.name}", "bytes": 5000}]
        assert "Would remove" in cli(folder, "clean", "--dry-run").stdout
        assert leftover.exists()
        assert cli(folder, "clean").returncode == 0
        assert in_use.exists()
    assert sorted(folder.rglob("*")) == before
    assert cli(folder, "clean").stdout == "There are no files of interrupted commands.\n"


def test_unused_vectors_are_removed_only_if_asked(trained, tmp_path, cli):
    shutil.copytree(trained, tmp_path / "copy")
    folder = tmp_path / "copy"
    shutil.rmtree(folder / ".segtool/runs")
    cli(folder, "corpora", "remove", "stories")
    workspace = Workspace(folder / ".segtool")
    cli(folder, "clean")
    dry = json.loads(cli(folder, "clean", "--vectors", "--dry-run", "--json").stdout)
    (space,) = dry["store"]["spaces"]
    assert space["encoder"] == "surface"
    assert len(workspace.store().spaces()) == 1
    done = cli(folder, "clean", "--vectors")
    assert "Removed all vectors of surface" in done.stdout, done.stderr
    assert workspace.store().spaces() == []


def test_a_missing_workspace_is_clean(tmp_path, cli):
    done = cli(tmp_path, "clean", "--vectors")
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_runs_whose_fine_tuning_was_interrupted_are_kept_and_named(trained, tmp_path, cli):
    shutil.copytree(trained, tmp_path / "copy")
    run = tmp_path / "copy/.segtool/runs/cross-segment-001"
    run.mkdir()
    (run / UNFINISHED).write_text("{}")
    done = cli(tmp_path / "copy", "clean")
    assert "notice: unfinished runs are kept: cross-segment-001" in done.stderr
    assert (run / UNFINISHED).exists()
