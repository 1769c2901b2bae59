"""Encodes synthetic texts once, in one process or on a cluster, as a process of its own.

`bench.scale` starts it and reads the JSON object that it prints.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.memory import memory
from bench.stub import StubEncoder

WORK = 25  # matrix products for each sentence of the costly stub
SIZE = 384  # rows and columns of these matrices


class CostlyStub(StubEncoder):
    """Multiplies matrices for as long as a small Transformer does: some ms for each sentence."""

    name = "costly-stub"
    is_parallel = True
    _matrix = np.random.default_rng(1).standard_normal((SIZE, SIZE), dtype=np.float32) / 20

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Return (n, dim) float32."""
        states = np.ones((30 * len(sentences), SIZE), dtype=np.float32)
        for _ in range(WORK):
            states = states @ self._matrix
        return super().encode(sentences)


ENCODERS = {"stub": StubEncoder, "costly": CostlyStub}


def main() -> None:
    """Run one measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder whose subfolder texts is encoded")
    parser.add_argument("encoder", choices=ENCODERS)
    parser.add_argument("dimensions", type=int)
    parser.add_argument("mode", choices=("plain", "one node", "two nodes"))
    options = parser.parse_args()
    maker = partial(ENCODERS[options.encoder], options.dimensions)
    sys.stdout.write(
        json.dumps(measure(options.folder, maker, options.mode) | {"peak": memory("VmHWM")}) + "\n"
    )


def measure(folder: Path, maker: Callable[[], StubEncoder], mode: str) -> dict[str, float]:
    """Encode the texts."""
    if mode == "plain":
        return run_plain(folder, maker)
    if mode == "one node":
        return run_ray(folder, maker, None)
    with two_nodes() as address:
        return run_ray(folder, maker, address)


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


def run_plain(folder: Path, maker: Callable[[], StubEncoder]) -> dict[str, float]:
    """Read and encode the texts in this process."""
    from embedcache import EmbeddingStore, encode_sentences
    from segclf.corpus import ReadOptions, read_corpus

    started = time.perf_counter()
    corpus = read_corpus(folder / "texts", options=ReadOptions("line", "line"))
    store = EmbeddingStore(folder / "plain")
    report = encode_sentences(corpus.sentences, maker(), store)
    return {"total": time.perf_counter() - started, "unique": report.unique}


def run_ray(
    folder: Path, maker: Callable[[], StubEncoder], address: str | None
) -> dict[str, float]:
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
    encoder = maker()
    plan = Plan(
        Storage.at(folder / "job"),
        maker,
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
        cluster = Cluster(ray, nodes, plan_workers(nodes, 2, None, 0))
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


if __name__ == "__main__":
    main()
