"""A distributed encoding from text files to finished shards, in stages of independent tasks.

A task writes files, each of which appears only when it is complete. A finished task is not
repeated, so a job that is run again continues where it was interrupted. A stage begins when the
previous stage has ended. Therefore workers, which keep their CPUs until the end of the job, never
compete for CPUs with the tasks whose results they need.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from embedcache.cluster.connection import Node
from embedcache.cluster.workers import WorkerResources, encode_shards, run_tasks
from embedcache.shards.exchange import count_batches, gather, scatter, write_known
from embedcache.shards.merge import write_manifest
from embedcache.shards.plan import (
    Plan,
    Shard,
    Source,
    distinct_name,
    group_name,
    scattered_name,
)
from embedcache.shards.storage import Storage
from embedcache.store import EmbeddingStore
from embedcache.terminal import progress_bar

Reader = Callable[[Storage, int, Sequence[Source]], tuple[list[str], Any]]
"""Function that reads a group of files, given the storage of the plan, the number of the group and
the files. It returns the sentences and a JSON-serializable summary. It may write files to the
storage. It must be picklable."""


@dataclass(frozen=True)
class Job:
    """Files to encode.

    Attributes:
        plan: Plan of the encoding.
        groups: Groups of files; one task reads each group.
        read: Function that reads a group.
    """

    plan: Plan
    groups: Sequence[Sequence[Source]]
    read: Reader


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster to which this process is connected.

    Attributes:
        ray: The module ray, connected to the cluster.
        nodes: Machines of the cluster.
        workers: Resources that the workers reserve.
    """

    ray: ModuleType
    nodes: Sequence[Node]
    workers: WorkerResources

    def run(
        self,
        function: Callable[..., object],
        calls: Sequence[tuple[Any, ...]],
        unit: str,
        *,
        progress: bool,
    ) -> None:
        """Call a function with each tuple of arguments, in tasks; see `run_tasks`.

        Args:
            function: Function that the machines of the cluster can import.
            calls: Arguments of each call.
            unit: What a call processes, in the plural, for the progress bar.
            progress: Whether to show a progress bar on standard error.

        Raises:
            UserError: A task raised a UserError, or its process died several times.
        """
        limit = 2 * sum(node.cpus for node in self.nodes)
        done = run_tasks(self.ray, function, calls, limit=limit)
        _show_progress(done, len(calls), unit, progress=progress)


def read_groups(cluster: Cluster, job: Job, *, progress: bool) -> None:
    """Read the files, and write their distinct sentences and the summaries of the groups.

    Raises:
        UserError: A file cannot be read, or the process of a task died several times.
    """
    numbers = range(len(job.groups))
    storage = job.plan.storage
    missing = {
        *_missing(storage, list(map(group_name, numbers))),
        *_missing(storage, list(map(scattered_name, numbers))),  # damaged ones may be deleted
    }
    calls = [(job.plan, job.read, number, job.groups[number]) for number in sorted(missing)]
    cluster.run(_read_group, calls, "groups of files", progress=progress)


def make_shards(
    cluster: Cluster, job: Job, store: EmbeddingStore | None, *, progress: bool
) -> None:
    """Encode the distinct sentences that a store lacks, and write a manifest of the shards.

    Args:
        cluster: Cluster to compute on.
        job: Job whose files have been read.
        store: Store with vectors that need not be computed again; None if there is no store.
        progress: Whether to show progress bars on standard error.

    Raises:
        StoreError: The store is damaged.
        UserError: A worker cannot load or run the encoder, or loads an encoder that differs from
            that of the plan; a vector would contain NaN or infinity in its dtype; or the process of
            a task or of workers died several times.
    """
    plan = job.plan
    plan.storage.remove("known")  # the store may have changed since an earlier run
    if store:
        _write_known(plan, store)
    missing = _missing(plan.storage, list(map(distinct_name, range(plan.partitions))))
    calls = [(plan, partition, len(job.groups)) for partition in missing]
    cluster.run(_gather_partition, calls, "partitions", progress=progress)
    shards = [
        Shard(partition, number)
        for partition in range(plan.partitions)
        for number in range(count_batches(plan.storage, distinct_name(partition)))
    ]
    done = encode_shards(cluster.ray, plan, shards, cluster.workers)
    _show_progress(done, len(shards), "shards", progress=progress)
    write_manifest(plan.storage, plan.fingerprints)


def read_summaries(job: Job) -> list[Any]:
    """Return the summaries in the order of the groups, after `read_groups`."""
    numbers = range(len(job.groups))
    return [json.loads(job.plan.storage.read(group_name(number))) for number in numbers]


def _missing(storage: Storage, names: Sequence[str]) -> list[int]:
    """Return the positions in `names`, all in one subfolder, of the files that do not exist yet."""
    folder = names[0].partition("/")[0]
    finished = {f"{folder}/{name}" for name in storage.names(folder)}
    return [position for position, name in enumerate(names) if name not in finished]


def _read_group(plan: Plan, read: Reader, number: int, sources: Sequence[Source]) -> None:
    sentences, summary = read(plan.storage, number, sources)
    scatter(plan.storage, scattered_name(number), sentences, plan.partitions)
    # last, because this file marks the group as finished
    plan.storage.write_bytes(group_name(number), json.dumps(summary).encode())


def _gather_partition(plan: Plan, partition: int, groups: int) -> None:
    names = [scattered_name(number) for number in range(groups)]
    gather(plan.storage, names, partition, distinct_name(partition), plan.shard_rows)


def _write_known(plan: Plan, store: EmbeddingStore) -> None:
    """Write the ids of the sentences that have vectors in the store, so that workers skip them."""
    present = {info.fingerprint for info in store.spaces()}
    for fingerprint in present.intersection(plan.fingerprints):
        folder = plan.known_folder(fingerprint)
        write_known(plan.storage, folder, store, fingerprint, plan.partitions)


def _show_progress(done: Iterable[object], total: int, unit: str, *, progress: bool) -> None:
    with progress_bar(total, unit, show=progress) as bar:
        for _ in done:
            bar.update()
