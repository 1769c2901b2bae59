"""The hardware: available cores, support of bfloat16, and whether there may be a GPU.

These questions are answered without torch, which takes seconds to import.
"""

import os
import sys
from pathlib import Path

from embedcache.control_groups import control_groups

_ROOT = Path("/")
_GPU_DRIVERS = ("dev/nvidiactl", "dev/dxg", "dev/kfd")  # device files of NVIDIA, WSL and AMD
_BFLOAT16 = {"avx512_bf16", "amx_bf16"}


def available_cores(root: Path = _ROOT) -> int:
    """Return how many cores this process may use, at least 1.

    The CPU affinity of the process limits them, and on Linux also control groups, such as that of a
    container.

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
    limits = []
    for version, group in control_groups("cpu", root):
        if version == 2:
            quota, period = _numbers(group / "cpu.max") or (-1, 1)
        else:
            (quota,), (period,) = (
                _numbers(group / f"cpu.cfs_{name}_us") or (-1,) for name in ("quota", "period")
            )
        if quota > 0:
            limits.append(-(-quota // period))
    return limits


def _numbers(file: Path) -> list[int]:
    """Return the numbers in a file; [] if it is missing or contains "max", which means no limit."""
    words = file.read_text(encoding="utf-8").split() if file.exists() else []
    return [] if "max" in words else [int(word) for word in words]


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
    """Return whether this machine may have a GPU that torch can use.

    On Linux, the driver of a GPU creates a device file. On other systems, the result is True,
    because only torch can tell.

    Args:
        root: Folder that contains `dev`.
    """
    return sys.platform != "linux" or any((root / path).exists() for path in _GPU_DRIVERS)
