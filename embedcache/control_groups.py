"""Linux control groups (cgroups), which limit the processor time and the memory of a process."""

from collections.abc import Iterator
from pathlib import Path


def control_groups(controller: str, root: Path) -> Iterator[tuple[int, Path]]:
    """Yield the control groups of this process, and those that contain them.

    Args:
        controller: Name of a controller, such as "memory" or "cpu". It selects the groups of
            version 1; the groups of version 2 are the same for all controllers.
        root: Folder that contains `proc` and `sys`.

    Yields:
        Version, 1 or 2, and folder of a group. In a container, the folder may not exist, because
        the path is that of the host.
    """
    groups = root / "proc/self/cgroup"
    if not groups.exists():  # not Linux
        return
    for line in groups.read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            version, base = 2, root / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            version, base = 1, root / "sys/fs/cgroup" / controller
        else:
            continue
        innermost = Path(path.lstrip("/"))
        for group in (innermost, *innermost.parents):
            yield version, base / group
