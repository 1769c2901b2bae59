"""Memory that is available to a process, within the limits of containers."""

import os
from pathlib import Path

from embedcache import UserError
from embedcache.control_groups import control_groups

_ROOT = Path("/")
_FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}
"""By version of control groups: files with the limit and the usage of a group, and the entry of
memory.stat for its reclaimable memory."""

_SHARE = 1 / 4  # share of the available memory that vectors may use


def vectors_limit(gigabytes: float | None = None, processes: int = 1) -> float:
    """Return how many gigabytes of vectors each of several processes may hold in memory.

    Args:
        gigabytes: Limit for each process, set by the user; None to compute it.
        processes: Number of processes among which the available memory is divided.

    Returns:
        `gigabytes` if it is set. Otherwise, a quarter of the available memory, divided by the
        number of processes; infinity if the available memory is unknown, as on Windows.

    Raises:
        UserError: `gigabytes` is negative or NaN.
    """
    if gigabytes is not None:
        if not gigabytes >= 0:
            raise UserError(f"memory is {gigabytes:g}: use a number of gigabytes, 0 or more")
        return gigabytes
    available = available_bytes()
    return float("inf") if available is None else _SHARE * available / processes / 1e9


def available_bytes(root: Path = _ROOT) -> int | None:
    """Return the memory that is available to this process, in bytes.

    On Linux, this is the memory that programs can get without swapping, or less if a control group
    of the process, such as that of a container, has less memory left. On other systems with
    `os.sysconf`, it is the total memory of the machine.

    Args:
        root: Folder that contains `proc` and `sys`.

    Returns:
        Number of bytes; None if it is unknown.
    """
    info = root / "proc/meminfo"
    if info.exists():
        free = _numbers(info.read_text())["MemAvailable"] * 1024
        return max(min([free, *_free_in_groups(root)]), 0)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _free_in_groups(root: Path) -> list[int]:
    """Return the free bytes of each control group of this process that limits memory."""
    return [
        _free_in_group(group, *_FILES[version])
        for version, group in control_groups("memory", root)
        if _is_limited(group / _FILES[version][0])
    ]


def _is_limited(limit: Path) -> bool:
    return limit.exists() and limit.read_text().strip().isdigit()


def _free_in_group(group: Path, limit: str, usage: str, reclaimable: str) -> int:
    """Return the free bytes of a control group, including its reclaimable file pages."""
    total, used = (int((group / name).read_text()) for name in (limit, usage))
    return total - used + _numbers((group / "memory.stat").read_text()).get(reclaimable, 0)


def _numbers(text: str) -> dict[str, int]:
    """Return the numbers by name in lines like "MemAvailable:  123 kB" or "inactive_file 123"."""
    fields = (line.replace(":", " ").split() for line in text.splitlines())
    return {name: int(number) for name, number, *_ in fields}
