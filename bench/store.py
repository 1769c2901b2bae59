"""How fast is the store compared with plain NumPy arrays?"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.harness import Row, publish, time_rounds, timing_row, touch_memory, value_row
from embedcache import EmbeddingStore, Space
from embedcache.ids import Ids
from embedcache.store import StorageDtype

DIM = 384
FINGERPRINT = "0" * 32


def main() -> None:
    """Measure at 200,000 and 1,000,000 vectors."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="segtool-bench-") as folder:
        for count in (200_000, 1_000_000):
            rows += measure(Path(folder), count)
            shutil.rmtree(folder)
            Path(folder).mkdir()
        rows += measure_opening(Path(folder))
    publish("store", f"Store: vectors of {DIM} float32 values", rows)


def random_ids(count: int) -> Ids:
    return np.random.default_rng(1).integers(0, 2**64, (count, 2), dtype=np.uint64)


def measure(folder: Path, count: int) -> list[Row]:
    """Measure writing, reading and float16 with a number of vectors."""
    label = f"{count // 1000:,}k: "
    ids = random_ids(count)
    vectors = np.random.default_rng(0).standard_normal((count, DIM), dtype=np.float32)
    rows = measure_writing(folder, label, ids, vectors)
    rows += measure_reading(folder, label, ids, vectors)
    float16_space = fill(empty(folder / "float16", "float16"), ids, vectors)
    error = np.abs(float16_space.vectors(ids) - vectors).max()
    size = (folder / "float16/data.mdb").stat().st_size / vectors.nbytes
    rows.append(value_row(label + "float16: file size / raw float32 bytes", size, ""))
    rows.append(value_row(label + "float16: largest error (values up to 5)", float(error), ""))
    return rows


def measure_reading(folder: Path, label: str, ids: Ids, vectors: NDArray[np.float32]) -> list[Row]:
    array = folder / "array.npy"
    save(array, vectors)
    space = fill(empty(folder / "read"), ids, vectors)
    file_bytes = (folder / "read/data.mdb").stat().st_size
    order = np.random.default_rng(2).permutation(len(ids))
    shuffled = ids[order]
    mapped = np.load(array, mmap_mode="r")
    seconds = time_rounds(
        {
            "numpy.load": lambda: np.load(array),
            "all in order": lambda: space.vectors(ids),
            "memmap": lambda: np.asarray(mapped[order]),
            "all in random order": lambda: space.vectors(shuffled),
            "membership": lambda: space.contains(shuffled),
        },
        7,
    )
    return [
        value_row(label + "file size / raw bytes", file_bytes / vectors.nbytes, "", at_most=1.05),
        timing_row(label + "numpy.load", seconds["numpy.load"]),
        timing_row(
            label + "read all in order",
            seconds["all in order"],
            against=("numpy.load", seconds["numpy.load"]),
            at_most=2,
        ),
        timing_row(label + "memmap, fancy indexing", seconds["memmap"]),
        timing_row(
            label + "read all in random order",
            seconds["all in random order"],
            against=("memmap", seconds["memmap"]),
            at_most=2,
        ),
        value_row(
            label + "membership test, ids per second",
            len(ids) / statistics.median(seconds["membership"]),
            "",
            at_least=1e6,
        ),
    ]


def measure_writing(folder: Path, label: str, ids: Ids, vectors: NDArray[np.float32]) -> list[Row]:
    spaces: list[Space] = []

    def clear() -> None:
        spaces.clear()
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        spaces.append(empty(folder / "store"))
        os.sync()
        touch_memory(3 * vectors.nbytes)

    seconds = time_rounds(
        {
            "numpy.save": lambda: save(folder / "saved.npy", vectors),
            "one commit": lambda: fill(spaces[0], ids, vectors, commits=1),
            "ten commits": lambda: fill(spaces[0], ids, vectors, commits=10),
        },
        6,
        before=clear,
    )
    clear()
    return [
        timing_row(label + "numpy.save and fsync", seconds["numpy.save"]),
        timing_row(
            label + "write, one commit",
            seconds["one commit"],
            against=("numpy.save", seconds["numpy.save"]),
            at_most=3,
        ),
        timing_row(
            label + "write, ten commits",
            seconds["ten commits"],
            against=("one commit", seconds["one commit"]),
            at_most=1.5,
        ),
    ]


def save(path: Path, vectors: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, vectors)
        file.flush()
        os.fsync(file.fileno())


def empty(path: Path, dtype: StorageDtype = "float32") -> Space:
    return EmbeddingStore(path).create_space(FINGERPRINT, name="bench", dim=DIM, dtype=dtype)


def fill(space: Space, ids: Ids, vectors: NDArray[np.float32], *, commits: int = 1) -> Space:
    parts = zip(np.array_split(ids, commits), np.array_split(vectors, commits), strict=True)
    for part, chunk in parts:
        space.append(part, chunk)
    return space


OPEN = """
import sys, time
import numpy as np
from embedcache import EmbeddingStore
wanted = np.array([[int(half) for half in sys.argv[2:]]], dtype=np.uint64)
started = time.perf_counter()
space = EmbeddingStore(sys.argv[1], create=False).space("0" * 32)
opened = time.perf_counter()
assert space.contains(wanted).all()
print(opened - started, time.perf_counter() - opened)
"""


def measure_opening(folder: Path) -> list[Row]:
    """Measure opening a small and a large store, and the first lookup in each."""
    small_opening, small_lookup = time_opening(folder, 1_000)
    large_opening, large_lookup = time_opening(folder, 1_000_000)
    return [
        timing_row("open 1,000 vectors", small_opening),
        timing_row(
            "open 1,000,000 vectors", large_opening, against=("1,000", small_opening), at_most=1.5
        ),
        timing_row("first lookup of an id among 1,000", small_lookup),
        timing_row("first lookup of an id among 1,000,000 (verifies the index)", large_lookup),
    ]


def time_opening(folder: Path, count: int) -> tuple[list[float], list[float]]:
    """Return the seconds to open a store and to look up one id, each time in a new process."""
    ids = random_ids(count)
    path = folder / str(count)
    fill(empty(path), ids, np.ones((count, DIM), dtype=np.float32))
    command = [sys.executable, "-c", OPEN, str(path), *map(str, ids[7])]
    openings, lookups = [], []
    for _ in range(9):
        done = subprocess.run(command, check=True, capture_output=True)
        opening, lookup = map(float, done.stdout.split())
        openings.append(opening)
        lookups.append(lookup)
    return openings, lookups


if __name__ == "__main__":
    main()
