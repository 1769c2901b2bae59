"""The vectors of a model's tokens, read from the model's own file instead of from a copy.

They make up most of a multilingual model, and a text needs only a few of them. The library
safetensors reads whole tensors or slices, so this module reads the header of the file and maps the
tensor into memory.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_REFERENCE, _COPY = "tokens.json", "tokens.npy"
_DTYPES = {"F32": "<f4", "F16": "<f2"}  # NumPy has no bfloat16


def save_token_vectors(vectors: NDArray[np.float32], name: str, model: Path, folder: Path) -> None:
    """Write where the vectors of tokens are in the model's file; write a copy if no file has them.

    Args:
        vectors: (v, d) float32, a vector for each token.
        name: Name of the tensor in the Transformer.
        model: Folder of the Transformer.
        folder: Folder to write to.
    """
    for path in sorted(model.glob("*.safetensors")):
        for key in _read_header(path)[1]:
            # a file may contain a larger model, of which the Transformer is a part
            is_named = key == name or key.endswith("." + name)
            if is_named and np.array_equal(_map_tensor(path, key), vectors):
                (folder / _REFERENCE).write_text(json.dumps({"file": path.name, "tensor": key}))
                return
    np.save(folder / _COPY, vectors)


def open_token_vectors(folder: Path, model: Path) -> NDArray[np.floating]:
    """Map the vectors of tokens into memory, (v, d) float32 or float16.

    Args:
        folder: Folder written by `save_token_vectors`.
        model: Folder of the Transformer.
    """
    if not (folder / _REFERENCE).exists():
        copy: NDArray[np.float32] = np.load(folder / _COPY, mmap_mode="r")
        return copy
    reference = json.loads((folder / _REFERENCE).read_text(encoding="utf-8"))
    return _map_tensor(model / reference["file"], reference["tensor"])


def _map_tensor(path: Path, key: str) -> NDArray[np.floating]:
    """Map a tensor of a safetensors file into memory."""
    start, tensors = _read_header(path)
    tensor = tensors[key]
    offset, shape = start + tensor["data_offsets"][0], tuple(tensor["shape"])
    return np.memmap(path, _DTYPES[tensor["dtype"]], "r", offset, shape)


def _read_header(path: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return the offset of the data in a safetensors file, and its tensors that NumPy can read.

    There are no tensors if the file is damaged: a model folder may have files that it does not use.
    """
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        content = file.read(min(size, path.stat().st_size))
    try:
        header = json.loads(content)
    except ValueError:
        return 0, {}
    tensors = {key: entry for key, entry in header.items() if entry.get("dtype") in _DTYPES}
    return 8 + size, tensors
