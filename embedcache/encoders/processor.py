"""The processor: how many cores a process may use, and whether they multiply bfloat16.

These questions are answered without torch, which takes seconds to import.
"""

import os
import sys
from pathlib import Path

_ROOT = Path("/")
_GPU_DRIVERS = ("dev/nvidiactl", "dev/dxg", "dev/kfd")  # NVIDIA, WSL and AMD
_BFLOAT16 = {"avx512_bf16", "amx_bf16"}


def available_cores(root: Path = _ROOT) -> int:
    """Return how many cores this process may use, at least 1.

    Its affinity limits them, and on Linux also the control groups (version 2) of a container.

    Args:
        root: Folder that contains `proc` and `sys`.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(min([cores, *_group_limits(root)]), 1)


def _group_limits(root: Path) -> list[int]:
    """Return the number of cores, rounded up, of each control group that limits them."""
    groups = root / "proc/self/cgroup"
    if not groups.exists():
        return []
    lines = groups.read_text(encoding="utf-8").splitlines()
    paths = [Path(line.split("::", 1)[1].lstrip("/")) for line in lines if line.startswith("0::")]
    limits = []
    for path in paths:
        for group in (path, *path.parents):
            file = root / "sys/fs/cgroup" / group / "cpu.max"
            quota, *period = file.read_text().split() if file.exists() else ["max"]
            if quota != "max":
                limits.append(-(-int(quota) // int(period[0])))
    return limits


def computes_bfloat16(root: Path = _ROOT) -> bool | None:
    """Return whether the processor multiplies bfloat16 in hardware; None if it is unknown.

    Args:
        root: Folder that contains `proc`.
    """
    info = root / "proc/cpuinfo"
    if not info.exists():
        return None
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), None)
    return None if flags is None else not _BFLOAT16.isdisjoint(flags)


def may_have_gpu(root: Path = _ROOT) -> bool:
    """Return False if this machine has no GPU that torch can use.

    On Linux, the driver of a GPU makes a device file. On other systems, the result is True, because
    only torch can tell.

    Args:
        root: Folder that contains `dev`.
    """
    return sys.platform != "linux" or any((root / path).exists() for path in _GPU_DRIVERS)
