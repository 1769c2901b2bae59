"""Messages about files that cannot be read or written: real processes."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from segclf import Workspace, embed, evaluate, load_run, train
from segclf.tasks.export import export
from segclf.training.options import TrainingOptions
from tests.conftest import ROOT, STORIES

TEXT = "雨が降る。風が吹く。夜になった。朝が来た。\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a workspace, an exported model and a text."""
    path = tmp_path_factory.mktemp("folder")
    workspace = Workspace(path / ".segtool")
    embed(STORIES, workspace, encoder_name="surface")
    run = train(workspace, TrainingOptions(head="mlp", window=1, epochs=1))
    export(run, path / "model", workspace)
    (path / "new.txt").write_text(TEXT)
    return path


@pytest.fixture
def copied(folder, tmp_path):
    """A copy of the folder, which a test may change."""
    path = tmp_path / "copy"
    shutil.copytree(folder, path)
    yield path
    for part in (path, *path.rglob("*")):
        part.chmod(0o777)  # so that pytest can remove it


def without_rights(folder, *arguments):
    """Run segtool so that read-only files cannot be written, even by root."""
    command = [str(Path(sys.executable).parent / "segtool"), *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        preexec_fn=drop_rights if os.geteuid() == 0 else None,
    )


def drop_rights():
    """Drop the capabilities that allow root to ignore file modes."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP


def read_only(path):
    for part in (path, *path.rglob("*")):
        part.chmod(0o555 if part.is_dir() else 0o444)


def one_line(done):
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def test_an_exported_model_segments_in_a_read_only_folder(copied):
    shutil.rmtree(copied / ".segtool")
    read_only(copied)
    before = sorted(copied.rglob("*"))
    done = without_rights(copied, "segment", "new.txt", "--run", "model", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["text"] == TEXT
    assert sorted(copied.rglob("*")) == before


def test_segment_writes_nothing_into_the_workspace(folder, cli):
    before = {path: path.stat().st_mtime_ns for path in (folder / ".segtool").rglob("*.*")}
    rows = Workspace(folder / ".segtool").store().spaces()[0].rows
    done = cli(folder, "segment", "new.txt")
    assert done.returncode == 0, done.stderr
    assert Workspace(folder / ".segtool").store().spaces()[0].rows == rows
    after = {path: path.stat().st_mtime_ns for path in (folder / ".segtool").rglob("*.*")}
    for times in (before, after):
        del times[folder / ".segtool/store/lock.mdb"]
    assert after == before


def test_eval_prints_scores_that_cannot_be_saved(copied):
    read_only(copied / ".segtool/runs")
    done = without_rights(copied, "eval", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["f1"] >= 0
    answer, warning = done.stderr.splitlines()
    assert answer.startswith("run mlp-w1-001 (highest dev F1 on stories), threshold ")
    assert "the scores were not saved" in warning
    assert "permission denied" in warning


def test_a_read_only_folder_is_reported_in_one_line(copied):
    read_only(copied / ".segtool/runs")
    copied.chmod(0o555)
    line = one_line(without_rights(copied, "segment", "new.txt", "--output", "out.txt"))
    assert line == f"error: {copied / 'out.txt'}: permission denied"
    line = one_line(without_rights(copied, "export", "mlp-w1-001", "new/exported"))
    assert line == f"error: {copied / 'new'}: permission denied"
    line = one_line(without_rights(copied, "train", "--epochs", "1", "--json"))
    assert line == "error: .segtool/runs: permission denied"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="requires a device that is always full")
def test_a_full_disk_is_reported_in_one_line(folder, cli):
    line = one_line(cli(folder, "segment", "new.txt", "--output", "/dev/full"))
    assert line == "error: /dev/full: no space left on device"


def test_a_workspace_that_is_a_file_is_reported_in_one_line(folder, cli):
    done = cli(folder, "embed", "new.txt", "--encoder", "surface", "--workspace", "new.txt")
    assert "new.txt" in one_line(done)


FAULT = """
import sys, segclf.workspace.runs
from segtool.app import main
path = sys.argv.pop()
segclf.workspace.runs.list_runs = lambda workspace: open(path)
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes only on Linux")
def test_paths_that_are_not_utf8(tmp_path, cli):
    folder = tmp_path / os.fsdecode(b"d\xff")
    folder.mkdir()
    (folder / "x.txt").write_text(TEXT)
    embed = ("embed", str(folder / "x.txt"), "--encoder", "surface", "--split", "train")
    line = one_line(cli(tmp_path, *embed, "--name", os.fsdecode(b"n\xff")))
    assert line == (
        r"error: invalid corpus name 'n\udcff': it is not UTF-8, so choose another with --name"
    )
    assert not (tmp_path / ".segtool").exists()
    line = one_line(cli(tmp_path, *embed, "--workspace", os.fsdecode(b"w\xff")))
    assert "LMDB requires a path in UTF-8" in line
    for _ in range(2):  # the second time, the sources are compared
        assert cli(tmp_path, *embed).returncode == 0
    shown = json.loads(cli(tmp_path, "corpora", "show", "x", "--json").stdout)
    assert shown["source"] == str(tmp_path / r"d\xff/x.txt")


@pytest.mark.parametrize(("path", "reported"), [("/nowhere/x", False), (".segtool/nothing", True)])
def test_an_error_about_a_file_that_the_user_did_not_name_is_a_bug(folder, path, reported):
    done = subprocess.run(
        [sys.executable, "-c", FAULT, "runs", path],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ("Traceback" not in done.stderr) == reported
    assert done.returncode == (2 if reported else 1)


def test_names_are_shown_literally(copied, cli):
    name = "[red]x :smile: \x1b[31m"
    shown = r"[red]x :smile: \x1b[31m"
    embedded = cli(
        copied, "embed", "new.txt", "--encoder", "surface", "--name", name, "--split", "test"
    )
    assert embedded.returncode == 0, embedded.stderr
    run = copied / ".segtool/runs/[bold]y"
    (copied / ".segtool/runs/mlp-w1-001").rename(run)
    stats = cli(copied, "stats")
    wrong = cli(copied, "stats", "none\x1b[31m")
    assert r"none\x1b[31m" in one_line(wrong)
    evaluated = cli(copied, "eval", run.name)
    listed = cli(copied, "runs")
    for done, expected in (
        (embedded, shown), (stats, shown), (evaluated, run.name), (listed, run.name)
    ):  # fmt: skip
        assert expected in " ".join(done.stdout.split()), done.stdout + done.stderr
    for done in (embedded, stats, wrong, evaluated, listed):
        assert "\x1b" not in done.stdout + done.stderr


def test_file_names_and_encoder_names_are_shown_literally(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    name = "[red]x :smile: \x1b[31m.txt"
    shown = r"[red]x :smile: \x1b[31m.txt"
    vectors = f"wordvec:{name}"
    (tmp_path / name).write_text("rain 1 0\nwind 0 1\nnight 1 1\n")
    for split in ("train", "dev", "test"):
        (tmp_path / "texts" / split).mkdir(parents=True)
        text = "\tRain fell. The wind rose.\nIt was night.\n" * 4
        (tmp_path / "texts" / split / name).write_text(text)
    for command in (
        ["embed", "texts", "--encoder", vectors],
        ["train", "--epochs", "1"],
        ["runs"],
        ["store", "info"],
        ["encoders", "show", vectors],
    ):
        done = cli(tmp_path, *command)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert shown in " ".join(done.stdout.split()) or command[0] == "train", done.stdout
    (tmp_path / "texts/dev" / name).write_bytes(b"abc\xff\xfe\x01")
    wrong = cli(tmp_path, "embed", "texts", "--encoder", "surface", "--strict")
    assert f"dev/{shown}: byte 3" in one_line(wrong)
    assert "\x1b" not in wrong.stderr


def test_damaged_files_do_not_stop_a_command(copied, segtool):
    runs = copied / ".segtool/runs"
    shutil.copytree(runs / "mlp-w1-001", runs / "broken")
    (runs / "broken/run.json").write_text("")
    shutil.copytree(runs / "mlp-w1-001", runs / "unknown")
    record = json.loads((runs / "unknown/run.json").read_text()) | {"encoder": None, "counts": {}}
    del record["checksum"]
    (runs / "unknown/run.json").write_text(json.dumps(record))
    listed = segtool(copied, "runs", "--json")  # a process, whose warnings go to standard error
    assert listed.returncode == 0, listed.stderr
    assert [run["run"] for run in json.loads(listed.stdout)["runs"]] == ["mlp-w1-001"]
    first, second = listed.stderr.splitlines()
    assert first.startswith("warning: ")
    assert "broken/run.json" in first
    assert second.startswith("warning: skipped a run: unknown was trained on vectors from an unkn")


def test_scores_are_the_same_whether_they_are_saved_or_not(folder):
    workspace = Workspace(folder / ".segtool")
    run = load_run(workspace)
    assert evaluate(workspace, run).unsaved is None
    assert (run.path / "eval-test.json").exists()
