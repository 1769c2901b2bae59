"""Memory of this process, from /proc."""

from pathlib import Path


def memory(field: str) -> int:
    """Return a memory statistic of this process in bytes: "VmRSS" (current) or "VmHWM" (peak)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return 1024 * int(kilobytes)
