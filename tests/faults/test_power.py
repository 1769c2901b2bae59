"""Simulated power failures: what was not synced to disk is lost, or written in part."""

import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from embedcache import EmbeddingStore, StoreError
from tests.conftest import ROOT
from tests.embedcache.store.stores import FINGERPRINT, ids_of, numbered
from tests.faults.children import LostError, Outcome, WrongError, run_in_child
from tests.faults.tally import Tally, counts

SECTOR = 512  # bytes that a disk writes completely or not at all
BATCH = 700
WRITER = f"""
import sys
from pathlib import Path
from embedcache.store.compaction import compact
from tests.embedcache.store.stores import append_numbers
folder = Path(sys.argv[1])
with (folder / "committed").open("w", buffering=1) as committed:
    for batch in range(8):
        append_numbers(folder / "store", batch * {BATCH}, (batch + 1) * {BATCH})
        committed.write(f"{{batch + 1}}\\n")
        if batch % 3 == 2:
            compact(folder / "store")
"""


class Operation(NamedTuple):
    """What a process did to a file; see power.c."""

    kind: str
    name: str
    offset: int
    data: bytes


@dataclass
class File:
    """Content that is on the disk, and writes that may be."""

    content: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)

    def sync(self) -> None:
        for operation in self.pending:
            self.apply(operation)
        self.pending.clear()

    def apply(self, operation: Operation) -> None:
        start, data = operation.offset, operation.data
        if operation.kind == "t":
            self.content = self.content[:start].ljust(start, b"\0")
        else:
            self.content.extend(bytes(max(start + len(data) - len(self.content), 0)))
            self.content[start : start + len(data)] = data

    def after_a_failure(self, rng: random.Random) -> bytes:
        """Return the content if each sector that was not synced is written or not."""
        kept = File(bytearray(self.content))
        for operation in self.pending:
            if operation.kind == "t" and rng.random() < 0.5:
                kept.apply(operation)
            share = rng.choice([0, 0.5, 1])
            for start in range(0, len(operation.data), SECTOR):
                if operation.kind == "w" and rng.random() < share:
                    part = operation.data[start : start + SECTOR]
                    kept.apply(operation._replace(offset=operation.offset + start, data=part))
        return bytes(kept.content)


class Disk:
    """Files by their names on the disk and in memory, and changes of names that may be lost."""

    def __init__(self) -> None:
        self._on_disk: dict[str, File] = {}
        self._now: dict[str, File] = {}
        self._changes: list[Operation] = []

    def do(self, operation: Operation) -> None:
        kind, name, _, data = operation
        if kind in "wt":
            self._now.setdefault(name, File()).pending.append(operation)
        elif kind == "s" and name in self._now:
            self._now[name].sync()
            if not any(change.data.decode() == name for change in self._changes):
                self._on_disk.setdefault(name, self._now[name])
        elif kind == "s":
            self._change_names(
                [c for c in self._changes if str(Path(self._target(c)).parent) == name]
            )
        elif kind in "ru" and name in self._now:
            file = self._now.pop(name)
            if kind == "r":
                self._now[data.decode()] = file
            self._changes.append(operation)

    def _target(self, change: Operation) -> str:
        return change.data.decode() or change.name

    def _change_names(self, changes: list[Operation]) -> None:
        for change in changes:
            self._changes.remove(change)
            file = self._on_disk.pop(change.name, None)
            if change.kind == "r" and file:
                self._on_disk[change.data.decode()] = file

    def after_a_failure(self, rng: random.Random) -> dict[str, bytes]:
        """Return what each file contains after a power failure."""
        self._change_names(self._changes[: rng.randrange(len(self._changes) + 1)])
        renamed = {self._target(change) for change in self._changes}
        for name, file in self._now.items():
            if name not in self._on_disk and name not in renamed and rng.random() < 0.5:
                self._on_disk[name] = file
        return {name: file.after_a_failure(rng) for name, file in self._on_disk.items()}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> tuple[Path, list[Operation]]:
    """The folder of a writer, and what it did to files."""
    folder = tmp_path_factory.mktemp("power")
    library = folder / "power.so"
    source = str(ROOT / "tests/faults/power.c")
    if sys.platform != "linux" or not shutil.which("gcc"):
        pytest.skip("requires Linux and gcc")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    (folder / "f").mkdir()
    places = {"POWER_FOLDER": str(folder / "f"), "POWER_LOG": str(folder / "log")}
    environment = os.environ | places | {"LD_PRELOAD": str(library)}
    command = [sys.executable, "-c", WRITER, str(folder / "f")]
    subprocess.run(command, check=True, env=environment, cwd=ROOT)
    return folder / "f", list(parse((folder / "log").read_bytes()))


def parse(log: bytes) -> Iterator[Operation]:
    at = 0
    while at < len(log):
        kind = chr(log[at])
        (length,) = struct.unpack_from("<H", log, at + 1)
        name = log[at + 3 : at + 3 + length].decode()
        offset, size = struct.unpack_from("<qI", log, at + 3 + length)
        start = at + 3 + length + 12
        yield Operation(kind, name, offset, log[start : start + size])
        at = start + size


def check(folder: Path, batches: int) -> None:
    """Check that a store has the committed batches, and no part of another one."""
    if not batches and not (folder / "store/data.mdb").exists():
        return
    try:
        store = EmbeddingStore(folder / "store")
        space = store.create_space(FINGERPRINT, name="a", dim=4)
    except StoreError:
        if batches:
            raise LostError("the store") from None
        raise  # the power failed before the store had a commit
    if len(space) < BATCH * batches:
        raise LostError(f"{len(space)} vectors of {batches} batches")
    ids = ids_of(*range(len(space)))
    if len(space) % BATCH or not np.array_equal(space.vectors(ids), numbered(0, len(space))):
        raise WrongError(f"{len(space)} vectors")
    space.append(ids_of(*range(6000, 6100)), numbered(6000, 6100))
    if not np.array_equal(space.vectors(ids_of(6050)), numbered(6050, 6051)):
        raise WrongError("new vectors")


def fail_power(folder: Path, operations: list[Operation], rng: random.Random) -> int:
    """Leave in a folder what a power failure leaves; return how many batches were committed."""
    cut = rng.randrange(len(operations) + 1)
    disk = Disk()
    for operation in operations[:cut]:
        disk.do(operation)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "store").mkdir(parents=True)
    for name, content in disk.after_a_failure(rng).items():
        if Path(name).name != "lock.mdb":
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(content)
    lines = [o.data for o in operations[:cut] if o.kind == "w" and o.name.endswith("/committed")]
    return len(b"".join(lines).split())


@counts(30, "CUTS", 700)
def test_a_power_failure_loses_no_commit(
    recorded: tuple[Path, list[Operation]], tally: Tally, count: int
):
    folder, operations = recorded
    assert {"w", "s", "r"} <= {operation.kind for operation in operations}
    rng = random.Random(count)
    outcomes: list[Outcome] = []
    for _ in range(count):
        batches = fail_power(folder, operations, rng)
        outcomes.append(run_in_child(lambda: check(folder, batches)))  # noqa: B023
    tally.check("a power failure while a store is written and compacted", outcomes)
    assert sum(outcome == "right" for outcome, _ in outcomes) > count / 2
