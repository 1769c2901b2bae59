"""How fast is the engine `ray` on one and two nodes, and how much time does it add to the encoder?

pip install -e '.[ray]'
python -m bench.scale --sentences 1000000 --costly 60000
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.harness import Row, publish, value_row
from bench.memory import memory
from bench.stub import DIM, StubEncoder

WORDS = list("雨風雪空町駅海山道窓朝夜声手目人本机")
WORK = 5  # matrix products for each sentence of the costly stub
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


class CostlyStub(StubEncoder):
    """Multiplies matrices for as long as a small Transformer does: some ms for each sentence."""

    name = "costly-stub"
    is_parallel = True
    _matrix = np.random.default_rng(1).standard_normal((DIM, DIM), dtype=np.float32) / 20

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Return (n, DIM) float32."""
        states = np.ones((30 * len(sentences), DIM), dtype=np.float32)
        for _ in range(WORK):
            states = states @ self._matrix
        return super().encode(sentences)


ENCODERS = {"stub": StubEncoder, "costly": CostlyStub}


def write_texts(folder: Path, count: int) -> int:
    """Write files of 50,000 sentences, a fifth of which are repeated; return their size."""
    folder.mkdir(parents=True)
    generator = random.Random(0)
    for start in range(0, count, 50_000):
        lines = []
        for number in range(start, min(start + 50_000, count)):
            source = number if number % 5 else generator.randrange(count)
            words = random.Random(source).choices(WORDS, k=8)
            lines.append(f"{source}の{'の'.join(words)}である。")
        (folder / f"{start:09}.txt").write_text("\n".join(lines), encoding="utf-8")
    return sum(path.stat().st_size for path in folder.iterdir())


def run_plain(folder: Path, kind: str) -> dict[str, float]:
    """Read and encode the texts in this process."""
    from embedcache import EmbeddingStore, encode_sentences
    from segclf.corpus import ReadOptions, read_corpus

    started = time.perf_counter()
    corpus = read_corpus(folder / "texts", options=ReadOptions("line", "line"))
    store = EmbeddingStore(folder / "plain")
    report = encode_sentences(corpus.sentences, ENCODERS[kind](), store)
    return {"total": time.perf_counter() - started, "unique": report.unique}


def run_ray(folder: Path, kind: str, address: str | None, workers: int) -> dict[str, float]:
    """Read and encode the texts on a cluster, and merge the shards."""
    from embedcache import EmbeddingStore
    from embedcache.cluster.connection import alive_nodes, connected
    from embedcache.cluster.job import Cluster, Job, make_shards, read_groups
    from embedcache.cluster.workers import plan_workers
    from embedcache.shards.merge import count_stored, merge
    from embedcache.shards.plan import Plan, Sizes
    from embedcache.shards.storage import Storage
    from segclf.corpus import ReadOptions
    from segclf.corpus.listing import list_sources
    from segclf.corpus.pieces import PieceReader

    sources = list_sources(str(folder / "texts"))
    sizes = Sizes.of(sum(source.size for source in sources))
    encoder = ENCODERS[kind]()
    plan = Plan(
        Storage.at(folder / "job"),
        partial(ENCODERS[kind]),
        (encoder.fingerprint,),
        ("float32",),
        sizes.partitions(sources),
        sizes.shard_rows,
    )
    job = Job(plan, sizes.groups(sources), PieceReader("auto", ReadOptions("line", "line")))
    started = time.perf_counter()
    with connected(address) as ray:
        connected_at = time.perf_counter()
        nodes = alive_nodes(ray)
        cluster = Cluster(ray, nodes, plan_workers(nodes, workers, None, 0))
        read_groups(cluster, job, progress=False)
        read_at = time.perf_counter()
        make_shards(cluster, job, None, progress=False)
        made_at = time.perf_counter()
    disk = write_plainly(folder / "zeros", size(folder / "job" / "shards"))
    store = EmbeddingStore(folder / "store")
    merging_at = time.perf_counter()
    merge([plan.storage.url], lambda: store)
    merged_at = time.perf_counter()
    unique, _ = count_stored(plan, store)
    return {
        "total": time.perf_counter() - started - disk,
        "start": connected_at - started,
        "reading": read_at - connected_at,
        "encoding": made_at - read_at,
        "merging": merged_at - merging_at,
        "disk": disk,
        "unique": unique,
        **{f"{name}_bytes": size(folder / "job" / name) for name in ("scattered", "shards")},
    }


def write_plainly(path: Path, count: int) -> float:
    """Return the seconds to write and sync as many bytes as a merge writes."""
    started = time.perf_counter()
    with path.open("wb") as file:
        for _ in range(0, count, 1 << 20):
            file.write(bytes(1 << 20))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    return time.perf_counter() - started


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Measure, print a table and write it to `results/scale.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--costly", type=int, default=60_000)
    parser.add_argument("--child", nargs=3, metavar=("FOLDER", "ENCODER", "MODE"))
    options = parser.parse_args()
    if options.child:
        folder, kind, mode = options.child
        result = measure_child(Path(folder), kind, mode)
        sys.stdout.write(json.dumps(result | {"peak": memory("VmHWM")}) + "\n")
        return
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="segtool-bench-") as folder:
        rows += measure_engine(Path(folder) / "a", options.sentences)
        rows += measure_overhead(Path(folder) / "b", options.costly)
    publish("scale", f"Engine ray: vectors of {DIM} float32 values, two cores", rows)


def measure_child(folder: Path, kind: str, mode: str) -> dict[str, float]:
    """Run one measurement in this process."""
    if mode == "plain":
        return run_plain(folder, kind)
    if mode == "one node":
        return run_ray(folder, kind, None, 2)
    with two_nodes() as address:
        return run_ray(folder, kind, address, 2)


@contextmanager
def two_nodes() -> Iterator[str]:
    """Start a cluster of two nodes with one CPU each."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    cluster.add_node(**node)
    try:
        yield cluster.address
    finally:
        cluster.shutdown()


def measure_engine(folder: Path, count: int) -> list[Row]:
    """Measure the engine with an encoder that takes no time."""
    text_bytes = write_texts(folder / "texts", count)
    plain = run_child(folder, "stub", "plain")
    rows = [
        value_row("sentences", count, ""),
        value_row("size of the text", text_bytes / 1e6, "MB"),
        value_row("distinct sentences", plain["unique"], ""),
        value_row("plain pipeline: sentences per second", count / plain["total"], ""),
        value_row("plain pipeline: peak memory", plain["peak"] / 2**30, "GiB"),
    ]
    for mode in ("one node", "two nodes"):
        done = run_child(folder, "stub", mode)
        assert done["unique"] == plain["unique"]
        rows += engine_rows(mode, count, done)
    return rows


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


def measure_overhead(folder: Path, count: int) -> list[Row]:
    """Compare the engine with the plain pipeline when encoding takes most of the time."""
    write_texts(folder / "texts", count)
    plain, ray = [], []
    for _ in range(2):
        plain.append(run_child(folder, "costly", "plain"))
        ray.append(run_child(folder, "costly", "one node"))
    alone = min(done["total"] for done in plain)
    working = min(done["total"] - done["start"] for done in ray)
    cost = 2 * alone / plain[0]["unique"] * 1000
    return [
        value_row("costly stub: sentences", count, ""),
        value_row("costly stub: processor time for each distinct sentence", cost, "ms"),
        value_row("costly stub: plain pipeline on two threads", alone, "s"),
        value_row("costly stub: one node, two workers, without the start of Ray", working, "s"),
        value_row("costly stub: overhead of the engine", 100 * (working / alone - 1), "%"),
    ]


def run_child(folder: Path, kind: str, mode: str) -> dict:
    """Run one measurement in a new process, and watch the processes of Ray."""
    for name in ("plain", "job", "store"):
        shutil.rmtree(folder / name, ignore_errors=True)
    os.sync()
    command = [sys.executable, "-m", "bench.scale", "--child", str(folder), kind, mode]
    environment = os.environ | ENVIRONMENT
    with watched_peaks() as peaks:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
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
