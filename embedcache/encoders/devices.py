"""Chooses the device and the precision of a computation."""

import torch
import torch.nn.functional as F

from embedcache.encoders.base import Precision
from embedcache.errors import UserError


def best_device() -> str:
    """Return the first of "cuda", "mps" and "cpu" that this machine has."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def check_device(name: str) -> str:
    """Return the name of a device after checking that it works.

    Raises:
        UserError: torch does not know the device, or this machine does not have it.
    """
    try:
        torch.zeros(1, device=name).cpu()
    except (AssertionError, RuntimeError) as error:
        raise UserError(f"--device {name}: {str(error).splitlines()[0]}") from error
    return name


def best_precision(device: str) -> Precision:
    """Return the precision that "auto" stands for on a device.

    On a CUDA device, it is bfloat16 or, if the device has no bfloat16, float16. On a CPU that
    multiplies bfloat16 in hardware (AVX-512 BF16, AMX), it is bfloat16. On other devices, it is
    float32: on other CPUs, bfloat16 is about 10 times slower than float32, and float16 is slow on
    all CPUs. Vectors in this precision have a cosine similarity of at least 0.999 to the float32
    vectors.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        with torch.cuda.device(device):  # is_bf16_supported asks the current device
            has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if has_bfloat16 else "float16"
    if kind == "cpu":
        # get_capabilities was added in torch 2.12; without it, float32 is the safe choice
        capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"):
            return "bfloat16"
    return "float32"


def resolve_precision(precision: Precision, device: str) -> Precision:
    """Return a precision after checking that the device supports it.

    "auto" is replaced with the result of `best_precision`.

    Raises:
        UserError: The device cannot compute in this precision.
    """
    if precision == "auto":
        return best_precision(device)
    try:
        states = torch.ones(1, 2, 8, dtype=getattr(torch, precision), device=device)
        states = F.layer_norm(F.gelu(F.linear(states, states[0])), (2,))
        F.scaled_dot_product_attention(states, states, states)
    except (RuntimeError, TypeError) as error:
        raise UserError(
            f"--precision {precision}: the device {device} does not support this precision "
            f"({str(error).splitlines()[0]}); use auto or float32"
        ) from error
    return precision
