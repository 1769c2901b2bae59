"""Compares shards, and commands with `--engine ray`, with what one process does."""

import json
import lzma
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.harness import SHARED, Row, time_rounds, timing_row, value_row
from bench.stub import DIM
from embedcache.store.space_info import SpaceInfo
from embedcache.store.tables import Rows, TableFile, write_arrow, write_parquet

NOVELS = SHARED / "data/aozora-many/train.jsonl.xz"
SEGTOOL = str(Path(sys.executable).with_name("segtool"))
ON_RAY = ("--engine", "ray", "--workers", "2")


def measure_files(folder: Path) -> list[Row]:
    """Write and read a shard as an Arrow and as a Parquet file."""
    count = 65_536
    generator = np.random.default_rng(0)
    ids = np.sort(generator.integers(0, 2**63, (count, 2), dtype=np.uint64), axis=0)
    vectors = generator.standard_normal((count, DIM), dtype=np.float32)
    rows = Rows(ids, vectors, np.zeros(count, dtype=np.bool_), np.ones(count, dtype=np.uint8))
    info = SpaceInfo("0" * 32, 0, "stub", DIM, rows=count, precisions={"float32": count})
    arrow, parquet = folder / "shard.arrow", folder / "shard.parquet"
    writing = time_rounds(
        {
            "arrow": lambda: write_arrow(arrow, info, [rows], rows.checksum()),
            "parquet": lambda: write_parquet(parquet, info, [rows]),
        },
        5,
    )
    reading = time_rounds(
        {"arrow": lambda: read_all(arrow), "parquet": lambda: read_all(parquet)}, 5
    )
    return [
        timing_row("Arrow: writing", writing["arrow"]),
        timing_row("Parquet: writing", writing["parquet"], against=("Arrow", writing["arrow"])),
        timing_row("Arrow: reading", reading["arrow"]),
        timing_row("Parquet: reading", reading["parquet"], against=("Arrow", reading["arrow"])),
        value_row("Arrow: size", arrow.stat().st_size / 1e6, "MB"),
        value_row("Parquet: size", parquet.stat().st_size / 1e6, "MB"),
    ]


def read_all(path: Path) -> None:
    with path.open("rb") as source:
        for rows in TableFile(source, path.name).read():
            rows.vectors.sum()


def measure_novels(folder: Path) -> list[Row]:
    """Embed 3,810 novels with `surface`, and compare all vectors."""
    with lzma.open(NOVELS, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            path = folder / "texts" / f"{number:04}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.loads(line)["text"], encoding="utf-8")
    embed = ["embed", str(folder / "texts"), "--encoder", "surface", "--boundary", "indent"]
    local, ray = folder / "local", folder / "ray"
    alone = run(local, embed)
    spread = run(ray, [*embed, *ON_RAY])
    ids, vectors = exported(local)
    other_ids, other_vectors = exported(ray)
    order, other_order = np.lexsort(ids.T), np.lexsort(other_ids.T)
    assert np.array_equal(ids[order], other_ids[other_order])
    for start in range(0, len(order), 100_000):
        part = slice(start, start + 100_000)
        assert np.array_equal(vectors[order[part]], other_vectors[other_order[part]])
    rows = [
        value_row("sentences", alone.result["sentences"], ""),
        value_row("distinct sentences, whose vectors are equal bit for bit", len(ids), ""),
    ]
    for name, done in (("one process", alone), ("--engine ray --workers 2", spread)):
        rows += [
            value_row(f"{name}: whole command", done.seconds, "s"),
            *[
                value_row(f"{name}: {step}", done.result[f"{step}_seconds"], "s")
                for step in ("reading", "encoding", "writing")
            ],
            value_row(f"{name}: peak memory of its process", done.peak / 2**30, "GiB"),
        ]
    return rows


def exported(workspace: Path) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Return the ids (n, 2) and vectors (n, dim) of a workspace, mapped from files."""
    out = workspace / "exported"
    run(workspace, ["store", "export", str(out), "--encoder", "surface", "--format", "npy"])
    ids, vectors = (np.load(out / f"{name}.npy", mmap_mode="r") for name in ("ids", "vectors"))
    return ids, vectors


def measure_training(folder: Path) -> list[Row]:
    """Train heads with one process and with two workers."""
    run(
        folder,
        [
            "embed",
            str(SHARED / "data/soseki"),
            "--encoder",
            "surface",
            "--sentences",
            "kuten",
            "--boundary",
            "indent",
        ],
    )
    rows: list[Row] = []
    for head in ("bilstm", "mlp"):
        train = ["train", "--head", head, "--window", "4", "--epochs", "3"]
        alone, spread = run(folder, train), run(folder, [*train, *ON_RAY])
        for name, done in (("one process", alone), ("two workers", spread)):
            rows += [
                value_row(f"{head}, {name}: one epoch", done.result["seconds_per_epoch"], "s"),
                value_row(f"{head}, {name}: whole command", done.seconds, "s"),
            ]
    return rows


@dataclass(frozen=True)
class Done:
    """A command that has ended.

    Attributes:
        result: The JSON object that it printed.
        seconds: Time from its start to its end.
        peak: Peak memory of its process in bytes.
    """

    result: dict[str, Any]
    seconds: float
    peak: int


def run(workspace: Path, arguments: list[str]) -> Done:
    """Run a command of segtool."""
    command = [SEGTOOL, *arguments, "--json", "--quiet", "--workspace", str(workspace)]
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        output.seek(0)
        return Done(json.load(output), seconds, 1024 * usage.ru_maxrss)
