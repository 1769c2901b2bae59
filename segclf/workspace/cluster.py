"""Checks before training on a cluster whose machines share the folder of the workspace."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from embedcache import UserError
from embedcache.cluster.connection import Node, check_nodes
from embedcache.shards.storage import Storage

_MODULES = ("embedcache", "segclf")  # packages that every machine needs
_ADVICE = "give --workspace a folder that every machine of the cluster shares"


def check_cluster_device(device: str) -> None:
    """Raise UserError unless a device is "cpu" or "cuda", the names valid on every machine."""
    if device not in ("cpu", "cuda"):
        raise UserError(f"--device {device}: with --engine ray, use cpu or cuda")


def check_shared(ray: ModuleType, nodes: Sequence[Node], folder: Path, *modules: str) -> None:
    """Check that machines have the packages of segtool and access to the workspace.

    Args:
        ray: The module ray, connected to a cluster.
        nodes: Machines of the cluster.
        folder: Folder of the workspace.
        *modules: Names of other packages that the machines need.

    Raises:
        UserError: A machine lacks a package, has another version of Ray or has no access to the
            folder.
    """
    check_nodes(ray, nodes, Storage.at(folder), (*_MODULES, *modules), _ADVICE)
