"""Atomic writing, with real processes that are killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from embedcache.files import publish, scratch_folder, write_file, write_text

FULL = Path("/dev/full")

SLOW_SAVE = """
import sys, time
from pathlib import Path
from embedcache.files import scratch_folder
with scratch_folder(Path(sys.argv[1])) as scratch:
    (scratch / "weights").write_bytes(bytes(1000))
    print("writing", flush=True)
    time.sleep(600)
"""


def test_files_of_killed_processes_are_removed_and_those_of_running_ones_kept(tmp_path):
    command = [sys.executable, "-c", SLOW_SAVE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "writing\n"
            write_text(tmp_path / "a.txt", "a")
            (folder,) = tmp_path.glob(".*")
            assert (folder / "content" / "weights").stat().st_size == 1000
        finally:
            process.kill()
            process.wait()
        assert folder.exists()
        write_text(tmp_path / "b.txt", "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


WRITING = """
import sys
from pathlib import Path
from embedcache.files import scratch_folder
for number in range(100):
    with scratch_folder(Path(sys.argv[1])) as scratch:
        (scratch / "a").write_text(str(number))
        assert (scratch / "a").read_text() == str(number)
"""


def test_processes_may_write_into_one_folder_at_the_same_time(tmp_path):
    command = [sys.executable, "-c", WRITING, str(tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    assert list(tmp_path.iterdir()) == []


def test_content_is_synced_before_the_rename_and_the_folder_after(tmp_path, monkeypatch):
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


def test_a_folder_that_is_not_empty_is_not_replaced(tmp_path):
    write_text(tmp_path / "run" / "weights", "old")
    with scratch_folder(tmp_path) as scratch:
        write_text(scratch / "weights", "new")
        with pytest.raises(OSError, match="run"):
            publish(scratch, tmp_path / "run")
    assert (tmp_path / "run" / "weights").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "run"]


def test_missing_parent_folders_are_created(tmp_path):
    write_file(tmp_path / "a" / "b" / "c.txt", lambda path: path.write_text("c"))
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "c"


def test_line_breaks_are_not_converted(tmp_path):
    write_text(tmp_path / "a.txt", "a\r\nb\nc\r")
    assert (tmp_path / "a.txt").read_bytes() == b"a\r\nb\nc\r"


def test_a_failed_write_keeps_the_old_file_and_the_error_names_it(tmp_path):
    resource = pytest.importorskip("resource", reason="this system does not limit file sizes")
    path = tmp_path / "a.txt"
    write_text(path, "before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # simulates a full disk
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write_text(path, "x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert caught.value.filename == str(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_no_files(tmp_path):
    def interrupted(scratch):
        scratch.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "a.txt", interrupted)
    assert not list(tmp_path.iterdir())


def test_links_are_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "a.txt")
    write_text(tmp_path / "link", "a")
    assert (tmp_path / "elsewhere" / "a.txt").read_text() == "a"
    assert (tmp_path / "link").is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(pipe, "a")
        assert os.read(reader, 10) == b"a"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_the_error_of_a_device_names_it():
    with pytest.raises(OSError, match="No space left") as caught:
        write_text(FULL, "a")
    assert caught.value.filename == str(FULL)
