"""Connects to a Ray cluster, and reports common mistakes in its configuration."""

import os
import socket
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from uuid import uuid4

from embedcache.encoders.processor import available_cores
from embedcache.errors import UserError
from embedcache.packages import import_package
from embedcache.shards.storage import Storage

_CONNECT_SECONDS = 30.0
_OBJECT_STORE_BYTES = 200 << 20  # of a local cluster; only names and numbers pass through it


@dataclass(frozen=True)
class Node:
    """A machine of the cluster.

    Attributes:
        id: Id of the node in Ray.
        host: Name or address of the machine, for messages.
        cpus: Number of CPUs that Ray manages there.
        gpus: Number of GPUs that Ray manages there.
    """

    id: str
    host: str
    cpus: int
    gpus: float


def import_ray() -> ModuleType:
    """Import ray and return it.

    Raises:
        UserError: The package is missing.
    """
    message = "--engine ray needs the package ray: run pip install 'segtool[ray]'"
    return import_package("ray", missing=message)


@contextmanager
def connected(address: str | None) -> Iterator[ModuleType]:
    """Connect to a cluster inside a `with` block, and yield the module ray.

    Args:
        address: "auto" for the cluster that is running on this machine, HOST:PORT, or
            ray://HOST:PORT; None to start a cluster on this machine, which is stopped at the end.
            If the process is connected already, its connection is used and kept.

    Raises:
        UserError: ray is missing, the address is invalid, there is no such cluster, or it has
            another version of Ray or Python than this process.
    """
    ray = import_ray()
    if ray.is_initialized():
        yield ray
        return
    if address not in (None, "auto", "local"):
        _check_address(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # by default, Ray sends statistics
    options: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if address is None:
        options |= {
            "num_cpus": available_cores(),
            "object_store_memory": _OBJECT_STORE_BYTES,
            "include_dashboard": False,
        }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exception says the same
            ray.init(address=address or "local", **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise UserError(_describe_failure(address, error)) from error
    with redirect_stdout(sys.stderr):  # a thread of Ray prints warnings to standard output
        try:
            yield ray
        finally:
            ray.shutdown()


def _check_address(address: str) -> None:
    """Check that an address accepts connections, since Ray would wait for minutes until it does.

    Raises:
        UserError: The address is invalid, or it accepts no connections.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise UserError(f"--address {address}: use auto, HOST:PORT or ray://HOST:PORT")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise UserError(_describe_failure(address, error)) from error


def _describe_failure(address: str | None, error: Exception) -> str:
    text = str(error)
    if "Traceback" in text:  # from the client server; its last line has the reason
        text = text.strip().splitlines()[-1]
    text = " ".join(text.split())
    if "ersion mismatch" in text:
        return f"--address {address}: {text}: use the same versions of Ray and Python everywhere"
    message = f"--address {address or 'local'}: no connection to a Ray cluster ({text[:200]})"
    if "client connection timeout" in text:
        message += (
            ": give the port of its client server, 10001 by default, and set RAY_AUTH_MODE=token "
            "if it asks for a token"
        )
    return message


def alive_nodes(ray: ModuleType) -> list[Node]:
    """List the running machines of the cluster that have a CPU."""
    nodes = [
        Node(
            id=node["NodeID"],
            host=node["NodeManagerHostname"],
            cpus=int(node["Resources"].get("CPU", 0)),
            gpus=float(node["Resources"].get("GPU", 0)),
        )
        for node in ray.nodes()
        if node["Alive"]
    ]
    return [node for node in nodes if node.cpus]


def check_nodes(
    ray: ModuleType,
    nodes: Sequence[Node],
    storage: Storage,
    modules: Sequence[str],
    advice: str,
) -> None:
    """Check that every machine has the same version of Ray, the modules and access to the storage.

    Args:
        ray: The module ray, connected to a cluster.
        nodes: Machines of the cluster.
        storage: Storage of the job.
        modules: Names of the modules that the tasks import.
        advice: What to do if a machine has no access to the storage, for the message.

    Raises:
        UserError: A machine lacks a module, has another version of Ray or has no access to the
            storage.
        OSError: This process cannot write a file to the storage.
    """
    name = f"check-{uuid4().hex}"
    storage.write_bytes(name, socket.gethostname().encode())
    try:
        probes = [_probe_on(ray, node, storage.url, name, modules) for node in nodes]
        for node, (version, missing, has_access) in zip(nodes, ray.get(probes), strict=True):
            if version != ray.__version__:
                raise UserError(
                    f"the machine {node.host} has Ray {version}, and this one has "
                    f"{ray.__version__}: use the same version everywhere"
                )
            if missing:
                raise UserError(
                    f"the machine {node.host} lacks {', '.join(missing)}: run pip install "
                    "'segtool[ray]' on every machine of the cluster"
                )
            if not has_access:
                raise UserError(f"the machine {node.host} has no access to {storage.url}: {advice}")
    finally:
        storage.remove(name)


def _probe_on(
    ray: ModuleType,
    node: Node,
    url: str,
    name: str,
    modules: Sequence[str],
) -> Any:  # noqa: ANN401
    """Start a task that checks a machine.

    Returns:
        A reference to a tuple of the version of Ray on the machine, the names of the missing
        modules, and whether the machine has access to the file. Access is not checked, and the
        last value is False, if a module is missing.
    """

    def probe() -> tuple[str, list[str], bool]:  # a nested function is sent by value
        import importlib.util

        import ray

        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if missing:
            return ray.__version__, missing, False
        from embedcache.shards.storage import Storage

        return ray.__version__, [], Storage.at(url).exists(name)

    strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node.id, soft=False)
    return ray.remote(probe).options(num_cpus=0, scheduling_strategy=strategy).remote()
