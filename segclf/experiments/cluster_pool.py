"""Trials of a sweep as tasks on a Ray cluster, whose machines share the folder of the workspace."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from embedcache import UserError
from embedcache.cluster.connection import alive_nodes, connected
from embedcache.cluster.workers import run_tasks
from segclf.experiments.workers import Pool, TrialCompute
from segclf.workspace.cluster import check_shared


@contextmanager
def cluster_pool(
    folder: Path, address: str | None, jobs: int, compute: TrialCompute
) -> Iterator[Pool]:
    """Connect to a cluster inside a `with` block, and yield a pool that runs trials as tasks.

    Args:
        folder: Folder of the workspace.
        address: Address of the cluster; see `embedcache.cluster.connection.connected`.
        jobs: Maximum number of trials that run at the same time.
        compute: Device, threads and memory of each trial. The device is "cpu", or "cuda" for one
            GPU for each trial. If there is no memory limit, each trial gets an equal share of
            `segclf.workspace.memory.vectors_limit` on its machine.

    Raises:
        UserError: The package ray is missing, the cluster cannot be used, no machine has the CPUs
            and the GPU that a trial needs, or a machine lacks a package or has no access to the
            folder.
    """
    cpus, gpus = compute.threads, int(compute.device == "cuda")
    with connected(address) as ray:
        slots = {
            node: min(node.cpus // cpus, int(node.gpus) if gpus else node.cpus)
            for node in alive_nodes(ray)
        }
        nodes = [node for node, count in slots.items() if count]
        if not nodes:
            machine = "GPU machine" if gpus else "machine"
            raise UserError(
                f"--device {compute.device} --threads {cpus}: the cluster has no {machine} with "
                "enough CPUs: use fewer threads, or another device"
            )
        check_shared(ray, nodes, folder)
        limit = min(jobs, sum(slots.values()))
        compute = replace(compute, trials_per_machine=min(limit, max(slots.values())))
        yield Pool(partial(run_tasks, ray, limit=limit, cpus=cpus, gpus=gpus), compute)
