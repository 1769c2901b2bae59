"""Which device to encode on, and in which precision."""

from typing import Literal

import torch

from embedcache.errors import UserError

Precision = Literal["float32", "bfloat16", "float16"]


def best_device() -> str:
    """Return "cuda", "mps" or "cpu", the first of them that is there."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def check_device(name: str) -> str:
    """Return the name of a device.

    Raises:
        UserError: torch knows no such device, or this machine has none.
    """
    try:
        torch.empty(0, device=name)
    except (AssertionError, RuntimeError) as error:
        raise UserError(f"--device {name}: {str(error).splitlines()[0]}") from error
    return name


def best_precision(device: str) -> Precision:
    """Return the fastest precision that keeps the vectors: a cosine to float32 of 0.999 or more.

    A CPU multiplies bfloat16 in hardware (AVX-512 BF16, AMX) or about 10 times slower than float32;
    float16 is slow on all of them.
    """
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if device == "cpu":
        # absent before torch 2.12: float32 is never the slow choice
        capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"):
            return "bfloat16"
    return "float32"
