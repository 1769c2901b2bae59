"""Weights on disk in the safetensors format."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from embedcache import UserError
from embedcache.files import write_file
from embedcache.hashing import hash_files

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
    """Return the shape of each tensor in a safetensors file by name, reading only its header.

    Raises:
        UserError: The file cannot be read, or is not a safetensors file.
    """
    with _translate_damage(path), safe_open(path, "np") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def load_weights(path: Path) -> "dict[str, Tensor]":
    """Read the tensors of a safetensors file, by name, on the CPU.

    Raises:
        UserError: The file cannot be read, or is not a safetensors file.
    """
    from safetensors.torch import load_file

    with _translate_damage(path):
        return load_file(path)


def load_arrays(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the arrays of a safetensors file of float32 numbers, by name, without torch.

    Raises:
        UserError: The file cannot be read, or is not a safetensors file.
    """
    from safetensors.numpy import load_file

    with _translate_damage(path):
        return load_file(path)


def hash_weights(path: Path) -> str:
    """Return the hash of a file of weights that the record of a run contains."""
    return hash_files([path], names=False)


def check_weights(path: Path, expected: str) -> None:
    """Check the hash of a file of weights, if it is known.

    Args:
        path: File of weights.
        expected: Result of `hash_weights` when the file was written; empty if it is unknown.

    Raises:
        UserError: The hash of the file differs from the expected hash.
    """
    if expected and hash_weights(path) != expected:
        raise _damaged(path, "it does not match its checksum")


@contextmanager
def _translate_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (SafetensorError, OSError) as error:  # safetensors names no file in an OSError
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception | str) -> UserError:
    return UserError(f"{path} is damaged ({error}): copy it again from its source, or train again")
