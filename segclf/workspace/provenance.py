"""What a run was made with: the versions of what computes, and the machine."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

_PACKAGES = ("segtool", "torch", "numpy", "scikit-learn", "sentence-transformers", "transformers")


def versions() -> dict[str, str]:
    """Return the versions of Python and of what trains."""
    return {name: version(name) for name in _PACKAGES} | {"python": platform.python_version()}


def machine(device: str, threads: int) -> dict[str, Any]:
    """Describe what a time was measured on.

    Args:
        device: that computed, as torch names it.
        threads: that computed on the CPU.
    """
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        models = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        processor = next(models, processor)
    if device.startswith("cuda"):
        device = torch.cuda.get_device_name(device)
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "threads": threads,
        "device": device,
    }
