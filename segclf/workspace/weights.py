"""Weights on disk in the safetensors format."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from embedcache import UserError
from embedcache.files import write_file

if TYPE_CHECKING:
    from torch import Tensor


def save_weights(
    path: Path, tensors: "dict[str, Tensor]", metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file atomically.

    Args:
        path: File to write.
        tensors: Tensors by name.
        metadata: Entries for the header of the file.

    Raises:
        OSError: The file cannot be written.
    """
    from safetensors.torch import save_file

    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}

    def write(scratch: Path) -> None:
        try:
            save_file(contiguous, scratch, metadata)
        except SafetensorError as error:  # safetensors reports system errors only as text
            if number := re.search(r"os error (\d+)", str(error)):
                raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
            raise

    write_file(path, write)


def weight_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor in a safetensors file, reading only its header.

    Raises:
        UserError: The file is not a safetensors file.
    """
    try:
        with safe_open(path, "np") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise _damaged(path, error) from error


def load_weights(path: Path) -> "dict[str, Tensor]":
    """Read a safetensors file.

    Raises:
        UserError: The file is not a safetensors file.
    """
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise _damaged(path, error) from error


def load_arrays(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read a safetensors file of float32 numbers without torch.

    Raises:
        UserError: The file is not a safetensors file.
    """
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: SafetensorError) -> UserError:
    return UserError(f"{path} is damaged ({error}): copy it again from its source, or train again")
