"""Checks before training on a cluster whose machines share the folder of the workspace."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from embedcache import UserError
from embedcache.cluster.connection import Node, check_nodes
from embedcache.shards.storage import Storage

_MODULES = ("embedcache", "segclf")  # that every machine needs
_ADVICE = "give --workspace a folder that every machine of the cluster shares"


def check_cluster_device(device: str) -> None:
    """Raise UserError for a device other than "cpu" and "cuda", the names valid on all machines."""
    if device not in ("cpu", "cuda"):
        raise UserError(f"--device {device}: with --engine ray, use cpu or cuda")


def check_shared(ray: ModuleType, nodes: Sequence[Node], folder: Path, *modules: str) -> None:
    """Check that machines have the packages and have access to the workspace.

    Args:
        ray: The module ray, connected.
        nodes: Machines of the cluster.
        folder: Folder of the workspace.
        *modules: Names of packages that are needed too.

    Raises:
        UserError: See `embedcache.cluster.connection.check_nodes`.
    """
    check_nodes(ray, nodes, Storage.at(folder), (*_MODULES, *modules), _ADVICE)
