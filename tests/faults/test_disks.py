"""On a full or read-only disk, a command succeeds or prints one error line, and loses nothing."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedcache import UserError
from tests.conftest import SURFACE
from tests.faults.children import BAD, RIGHT, Outcome, WrongError, command, run_in_child
from tests.faults.conftest import scores
from tests.faults.tally import Tally, counts

TRAINING = ("--head", "mlp", "--window", "1", "--epochs", "1")
WRITING = {
    "embed": ("embed", "new.txt", *SURFACE, "--name", "new", "--split", "test"),
    "train": ("train", *TRAINING),
    "eval": ("eval", "--split", "dev"),
    "segment": ("segment", "new.txt", "--output", "out.txt"),
    "export": ("export", "mlp-w1-001", "exported"),
    "store backup": ("store", "backup", "backup"),
    "store compact": ("store", "compact"),
    "store gc": ("store", "gc", "--sentences"),
    "store export": ("store", "export", "vectors", "--encoder", "surface"),
}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def attempt(disk: Path, expected: str, arguments: tuple[str, ...]) -> Outcome:
    """Run a command, enlarge the disk, and check that nothing was lost."""
    outcome = run_in_child(lambda: command(disk / "f", *arguments))
    remount(disk, "rw,size=64m")

    def use() -> None:
        if scores(command(disk / "f", "eval", "mlp-w1-001", "--json")) != scores(expected):
            raise WrongError("scores")
        if left := list((disk / "f").rglob("*.scratch")):
            raise UserError(f"leftover files: {left}")

    after = run_in_child(use)
    return outcome if after == (RIGHT, "") or outcome[0] in BAD else ("lost", str(after))


@pytest.mark.parametrize("name", WRITING)
@counts(1, "DISKS", 30)
def test_a_command_on_a_full_disk_prints_one_line_and_loses_nothing(
    finished: Path, disk: Path, tally: Tally, name: str, count: int
):
    rng = random.Random(count)
    expected = (finished / "evaluated.json").read_text()
    outcomes = []
    for number in range(count):
        shutil.rmtree(disk / "f", ignore_errors=True)
        shutil.copytree(finished, disk / "f")
        free = 0 if not number else rng.randrange(1 << 21)
        used = os.statvfs(disk).f_blocks - os.statvfs(disk).f_bfree
        remount(disk, f"size={used * os.statvfs(disk).f_bsize + free // 4096 * 4096}")
        outcomes.append(attempt(disk, expected, WRITING[name]))
    tally.check(f"a full disk in {name}", outcomes)


@pytest.mark.faults
def test_every_command_on_a_read_only_disk_prints_one_line(
    finished: Path, disk: Path, tally: Tally
):
    expected = (finished / "evaluated.json").read_text()
    outcomes = []
    commands = [*WRITING.values(), ("store", "verify"), ("runs",), ("stats",)]
    for arguments in commands:
        shutil.rmtree(disk / "f", ignore_errors=True)
        shutil.copytree(finished, disk / "f")
        remount(disk, "ro")
        outcomes.append(attempt(disk, expected, arguments))
    tally.check("a read-only disk", outcomes)
