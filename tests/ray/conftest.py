"""Tests with a real Ray cluster: they have the marker `ray` and run with `make test-ray` only."""

import os
from pathlib import Path

import pytest

OBJECT_STORE = {"object_store_memory": 100 << 20}


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/ray" in item.nodeid:
            item.add_marker(pytest.mark.ray)


@pytest.fixture(scope="session", autouse=True)
def environment():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_memory_monitor_refresh_ms"] = "0"  # noqa: SIM112 - others may fill the memory


@pytest.fixture(scope="module")
def local_ray():
    """A cluster of one machine with two CPUs, to which this process is connected."""
    import ray

    ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, **OBJECT_STORE
    )
    yield ray
    ray.shutdown()


@pytest.fixture
def two_nodes():
    """A cluster of two nodes with one CPU each; this process is not connected to it."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, **OBJECT_STORE},
    )
    cluster.second = cluster.add_node(num_cpus=1, **OBJECT_STORE)
    yield cluster
    cluster.shutdown()


def processes_of(cluster, name):
    """Return the ids of the processes of a cluster that run a task or an actor with this name."""
    session = cluster.head_node.get_session_dir_path()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_named = (folder / "cmdline").read_bytes().startswith(f"ray::{name}".encode())
            if is_named and os.readlink(folder / "fd/1").startswith(session):
                found.append(int(folder.name))
        except OSError:  # it has ended, or belongs to another user
            continue
    return found
