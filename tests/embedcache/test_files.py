"""Files and folders that are written whole or not at all, by real processes that are killed."""

import os
import resource
import signal
import subprocess
import sys

import pytest

from embedcache.files import publish, scratch_folder, write_file, write_text

SLOW_SAVE = """
import sys, time
from pathlib import Path
from embedcache.files import scratch_folder
with scratch_folder(Path(sys.argv[1])) as scratch:
    (scratch / "weights").write_bytes(bytes(1000))
    print("writing", flush=True)
    time.sleep(600)
"""


def test_what_a_killed_process_left_is_removed_and_a_living_one_is_left_alone(tmp_path):
    command = [sys.executable, "-c", SLOW_SAVE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        write_text(tmp_path / "a.txt", "a")
        (folder,) = tmp_path.glob(".*")
        assert (folder / "content" / "weights").stat().st_size == 1000
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert folder.exists()
        write_text(tmp_path / "b.txt", "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_what_is_renamed_is_on_disk_before_and_its_name_after(tmp_path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (steps.append(os.fstat(number).st_ino),
                                                     fsync(number)))  # fmt: skip
    monkeypatch.setattr(os, "replace", lambda *paths: (steps.append("rename"), replace(*paths)))
    with scratch_folder(tmp_path) as scratch:
        (scratch / "inner").mkdir()
        (scratch / "inner" / "weights").write_bytes(b"w")
        publish(scratch, tmp_path / "run")
    run = tmp_path / "run"
    paths = (run, run / "inner", run / "inner" / "weights")
    before, after = steps[: steps.index("rename")], steps[steps.index("rename") + 1 :]
    assert set(before) == {path.stat().st_ino for path in paths}
    assert after == [tmp_path.stat().st_ino]


def test_a_failed_write_leaves_what_was_there_and_names_the_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # stands for a full disk
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write_text(path, "x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert caught.value.filename == str(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def interrupted(scratch):
        scratch.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "a.txt", interrupted)
    assert not list(tmp_path.iterdir())


def test_a_link_is_followed_and_a_device_is_written_to(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "a.txt")
    write_text(tmp_path / "link", "a")
    assert (tmp_path / "elsewhere" / "a.txt").read_text() == "a"
    assert (tmp_path / "link").is_symlink()
    if os.path.exists("/dev/full"):
        with pytest.raises(OSError, match="No space left") as caught:
            write_text(type(tmp_path)("/dev/full"), "a")
        assert caught.value.filename == "/dev/full"
