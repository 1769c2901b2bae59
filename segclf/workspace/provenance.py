"""Provenance of a run: package versions, and the machine."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_PACKAGES = (
    "segtool",
    "torch",
    "numpy",
    "openvino",
    "scikit-learn",
    "sentence-transformers",
    "transformers",
)


@dataclass(frozen=True)
class Machine:
    """A machine on which a time was measured.

    Attributes:
        processor: Name of the processor.
        cores: Number of logical cores; None if it is unknown.
        device: Name of the device used.
        threads: Number of CPU threads used; None in records of early versions.
    """

    processor: str
    cores: int | None
    device: str
    threads: int | None = None

    def __str__(self) -> str:
        """Return the processor, the number of cores if it is known, and the device."""
        cores = [f"{self.cores} core{'s' if self.cores > 1 else ''}"] if self.cores else []
        return ", ".join([self.processor, *cores, self.device])


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that affect results."""
    return {name: version(name) for name in _PACKAGES} | {"python": platform.python_version()}


def machine(device: str, threads: int) -> Machine:
    """Describe this machine, for the record of a time that was measured on it.

    Args:
        device: Device used, as torch names it.
        threads: Number of CPU threads used.
    """
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        models = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        processor = next(models, processor)
    if device.startswith("cuda"):
        from torch.cuda import get_device_name

        device = get_device_name(device)
    return Machine(processor, os.cpu_count(), device, threads)
