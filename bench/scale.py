"""How fast is the engine `ray` on one and two nodes, and how much time does it add to the encoder?

pip install -e '.[ray]'
python -m bench.scale engine --sentences 1000000
python -m bench.scale engine --sentences 50000000 --dimensions 32
python -m bench.scale overhead files novels training
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.harness import Row, publish, timing_row, value_row
from bench.scale_commands import measure_files, measure_novels, measure_training
from bench.stub import DIM

WORDS = list("雨風雪空町駅海山道窓朝夜声手目人本机")
MAX_PLAIN = 10_000_000  # sentences that one process reads: it has the text in memory
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # by default, workers of Ray yield to all other processes
}
NAMES = {
    "ray::_read_group": "a task that reads",
    "ray::_gather_partition": "a task that gathers",
    "ray::Worker.encode": "a worker",
}


def main() -> None:
    """Measure the parts that are named, and write each to `results/scale_PART.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="+", choices=("engine", *PARTS))
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--dimensions", type=int, default=DIM)
    options = parser.parse_args()
    os.environ |= ENVIRONMENT
    for part in options.parts:
        with tempfile.TemporaryDirectory(prefix="segtool-bench-") as folder:
            if part == "engine":
                count, dim = options.sentences, options.dimensions
                title = f"Engine ray: {count:,} sentences, vectors of {dim} float32 values"
                publish(f"scale_engine_{count}", title, measure_engine(Path(folder), count, dim))
            else:
                title, measure = PARTS[part]
                publish(f"scale_{part}", title, measure(Path(folder)))


def measure_engine(folder: Path, count: int, dim: int) -> list[Row]:
    """Measure the engine with an encoder that takes no time."""
    rows = [value_row("size of the text", write_texts(folder / "texts", count) / 1e6, "MB")]
    unique = set()
    if count <= MAX_PLAIN:
        plain = run_child(folder, "stub", dim, "plain")
        unique.add(plain["unique"])
        rows += [
            value_row("plain pipeline: sentences per second", count / plain["total"], ""),
            value_row("plain pipeline: peak memory", plain["peak"] / 2**30, "GiB"),
        ]
    for mode in ("one node", "two nodes"):
        done = run_child(folder, "stub", dim, mode)
        unique.add(done["unique"])
        rows += engine_rows(mode, count, done)
    (distinct,) = unique  # the same in every mode
    return [value_row("distinct sentences", distinct, ""), *rows]


def engine_rows(mode: str, count: int, done: dict[str, float]) -> list[Row]:
    merged = done["shards_bytes"] / 1e6 / done["merging"]
    working = done["total"] - done["start"]
    return [
        value_row(f"{mode}: seconds to start Ray", done["start"], "s"),
        value_row(f"{mode}: sentences per second after that", count / working, ""),
        value_row(f"{mode}: reading and scattering", done["reading"], "s"),
        value_row(f"{mode}: gathering and encoding", done["encoding"], "s"),
        value_row(f"{mode}: merging", done["merging"], "s"),
        value_row(f"{mode}: merge rate", merged, "MB/s", at_least=100),
        value_row(
            f"{mode}: plain write and sync", done["shards_bytes"] / 1e6 / done["disk"], "MB/s"
        ),
        value_row(f"{mode}: scattered sentences", done["scattered_bytes"] / 1e6, "MB"),
        value_row(f"{mode}: shards", done["shards_bytes"] / 1e6, "MB"),
        value_row(f"{mode}: peak memory of the driver", done["peak"] / 2**30, "GiB"),
        *[
            value_row(f"{mode}: peak memory of {name}", peak / 2**30, "GiB")
            for name, peak in sorted(done["workers"].items())
        ],
    ]


def measure_overhead(folder: Path) -> list[Row]:
    """Compare the engine with the plain pipeline when encoding takes most of the time."""
    count = 100_000
    write_texts(folder / "texts", count)
    plain, ray = [], []
    for _ in range(2):
        plain.append(run_child(folder, "costly", DIM, "plain"))
        ray.append(run_child(folder, "costly", DIM, "one node"))
    alone = [done["total"] for done in plain]
    working = [done["total"] - done["start"] for done in ray]
    cost = 2 * statistics.median(alone) / plain[0]["unique"] * 1000
    name = "the plain pipeline"
    return [
        value_row("sentences", count, ""),
        value_row("processor time for each distinct sentence", cost, "ms"),
        timing_row("plain pipeline on two threads", alone),
        timing_row(
            "one node with two workers, without the start of Ray",
            working,
            against=(name, alone),
            at_most=1.1,
        ),
    ]


def write_texts(folder: Path, count: int) -> int:
    """Write files of 50,000 sentences, a fifth of which are repeated; return their size."""
    folder.mkdir(parents=True)
    generator = random.Random(0)
    endings = ["の".join(generator.choices(WORDS, k=8)) for _ in range(10_007)]
    for start in range(0, count, 50_000):
        sources = [
            number if number % 5 else generator.randrange(count)
            for number in range(start, min(start + 50_000, count))
        ]
        lines = [f"{source}の{endings[source % len(endings)]}である。" for source in sources]
        (folder / f"{start:09}.txt").write_text("\n".join(lines), encoding="utf-8")
    return sum(path.stat().st_size for path in folder.iterdir())


PARTS: dict[str, tuple[str, Callable[[Path], list[Row]]]] = {
    "overhead": ("Engine ray: an encoder that takes milliseconds for a sentence", measure_overhead),
    "files": ("Shards: 65,536 vectors of 384 float32 values", measure_files),
    "novels": ("Two million sentences of novels, one process and --engine ray", measure_novels),
    "training": (
        "Training of 3 epochs on Soseki's novels, one process and --engine ray",
        measure_training,
    ),
}


def run_child(folder: Path, encoder: str, dim: int, mode: str) -> dict:
    """Run one measurement in a new process, and watch the processes of Ray."""
    for name in ("plain", "job", "store"):
        shutil.rmtree(folder / name, ignore_errors=True)
    os.sync()
    command = [sys.executable, "-m", "bench.scale_child", str(folder), encoder, str(dim), mode]
    with watched_peaks() as peaks:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1]) | {"workers": dict(peaks)}


@contextmanager
def watched_peaks() -> Iterator[Counter[str]]:
    """Record the peak memory of the tasks and actors of Ray, by their names in `NAMES`."""
    peaks: Counter[str] = Counter()
    stopped = threading.Event()

    def watch() -> None:
        while not stopped.wait(0.2):
            for status in Path("/proc").glob("[0-9]*/status"):
                try:
                    command = status.with_name("cmdline").read_text().strip("\0 ")
                    fields = dict(
                        line.split(":", 1)
                        for line in status.read_text().splitlines()
                        if ":" in line
                    )
                except OSError:  # the process has ended
                    continue
                name = NAMES.get(command)
                if name and "VmHWM" in fields:
                    peaks[name] = max(peaks[name], 1024 * int(fields["VmHWM"].split()[0]))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        stopped.set()
        thread.join()


if __name__ == "__main__":
    main()
