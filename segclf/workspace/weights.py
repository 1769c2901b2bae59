"""Weights on disk in the safetensors format."""

import os
import re
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from embedcache import UserError
from embedcache.files import write_file


def save_weights(
    path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file atomically.

    Args:
        path: File to write.
        tensors: Tensors by name.
        metadata: Entries for the header of the file.

    Raises:
        OSError: The file cannot be written.
    """
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
        with safe_open(path, "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise _damaged(path, error) from error


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        UserError: The file is not a safetensors file.
    """
    try:
        return load_file(path)
    except SafetensorError as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: SafetensorError) -> UserError:
    return UserError(f"{path} is damaged ({error}): copy it again from its source, or train again")
