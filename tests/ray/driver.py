"""A driver that tests can kill: python -m tests.ray.driver FOLDER ADDRESS WORKERS.

FOLDER/texts has files with one sentence per line. The encoder writes each batch that it encodes to
a file in FOLDER/log. FOLDER/hold contains a number: while this file exists, and FOLDER/log has
more files than this number, the encoder waits.
"""

import os
import sys
import time
from functools import partial
from pathlib import Path
from uuid import uuid4

from embedcache import EmbeddingStore
from embedcache.cluster.connection import alive_nodes, check_nodes, connected
from embedcache.cluster.job import Cluster, Job, make_shards, read_groups
from embedcache.cluster.workers import plan_workers
from embedcache.shards.merge import count_stored, merge
from embedcache.shards.plan import Plan, Sizes, Source
from embedcache.shards.storage import Storage
from tests.conftest import HashEncoder


class LoggingEncoder(HashEncoder):
    """Logs the sentences that it encodes, and waits while FOLDER/hold requires it."""

    batch_tokens = 10**6  # a batch is a shard

    def __init__(self, folder):
        super().__init__()
        self.folder = Path(folder)

    def encode(self, sentences):
        log = self.folder / "log"
        path = log / f"{os.getpid()}-{uuid4().hex}"
        path.with_suffix(".part").write_text("\n".join(sentences))
        path.with_suffix(".part").rename(path)
        hold = self.folder / "hold"
        while hold.exists() and len(list(log.iterdir())) > int(hold.read_text() or 10**6):
            (self.folder / f"holding-{os.getpid()}").touch()
            time.sleep(0.05)
        return super().encode(sentences)


def read_lines(storage, number, sources):
    texts = [Path(source.path).read_text().splitlines() for source in sources]
    return [line for lines in texts for line in lines], len(texts)


def make_job(folder, sizes):
    sources = [
        Source(path.name, str(path), path.stat().st_size)
        for path in sorted((folder / "texts").iterdir())
    ]
    plan = Plan(
        Storage.at(folder / "job"),
        partial(LoggingEncoder, str(folder)),
        (HashEncoder().fingerprint,),
        ("float32",),
        sizes.partitions(sources),
        sizes.shard_rows,
    )
    return Job(plan, sizes.groups(sources), read_lines)


def encode(folder, address, workers, sizes):
    """Run a job, merge its shards into FOLDER/store, and return the number of sentences there."""
    (folder / "log").mkdir(exist_ok=True)
    job = make_job(folder, sizes)
    with connected(address) as ray:
        nodes = alive_nodes(ray)
        cluster = Cluster(ray, nodes, plan_workers(nodes, workers, 1, 0))
        check_nodes(ray, nodes, job.plan.storage, ["tests", "embedcache"], "")
        read_groups(cluster, job, progress=False)
        make_shards(cluster, job, None, progress=False)
    store = EmbeddingStore(folder / "store")
    merge([job.plan.storage.url], lambda: store)
    return count_stored(job.plan, store)[0]


SIZES = Sizes(group_bytes=2000, partition_bytes=4000, shard_rows=100)

if __name__ == "__main__":
    print(encode(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), SIZES))
