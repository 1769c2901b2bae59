"""Exports the vectors of a space, with the ids of their sentences, for other programs."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import lmdb
import numpy as np

from embedcache.files import new_path, publish, scratch_folder
from embedcache.ids import Ids
from embedcache.store import index, values
from embedcache.store.environment import Environment
from embedcache.store.space_info import SpaceInfo, block_key, read_info, read_segments

ExportFormat = Literal["npy", "safetensors"]

_DTYPES = {"float32": "F32", "float16": "F16", "int32": "I32"}  # in the header of safetensors


def export_space(path: Path, fingerprint: str, out: Path, file_format: ExportFormat) -> SpaceInfo:
    """Write the ids and the vectors of a space, in the order in which they were added.

    One block of vectors is in memory at a time. The result gets its name when it is complete.

    Args:
        path: Folder of the store.
        fingerprint: Fingerprint of the space.
        out: Path of the result, which must not exist. With "safetensors", it is a file with the
            tensors `ids` (n, 2) uint64 and `vectors` (n, dim) in the dtype of the space; with
            "npy", a folder with the files `ids.npy` and `vectors.npy`.
        file_format: Format of the result.

    Returns:
        Description of the exported space.

    Raises:
        UserError: The path exists.
        StoreError: The store or the space is missing or damaged.
        OSError: The result cannot be written.
    """
    environment = Environment.open(path)
    out = new_path(out, "path for the export")
    with scratch_folder(out.parent, out) as scratch, environment.reading() as transaction:
        info = read_info(environment, transaction, fingerprint)
        ids = np.zeros((info.rows, 2), dtype="<u8")
        for segment in read_segments(environment, transaction, info):
            ids[index.entry_rows(segment.entries)] = segment.ids
        blocks = _blocks(environment, transaction, info)
        write = _write_safetensors if file_format == "safetensors" else _write_npy
        write(scratch / out.name, info, ids, blocks)
        publish(scratch / out.name, out)
    return info


def _blocks(
    environment: Environment, transaction: lmdb.Transaction, info: SpaceInfo
) -> Iterator[memoryview]:
    for number in info.blocks:
        key = block_key(info, number)
        block = values.get(environment, transaction, key)
        if block is None:
            raise values.damaged(environment, key)
        yield block


def _write_npy(path: Path, info: SpaceInfo, ids: Ids, blocks: Iterator[memoryview]) -> None:
    path.mkdir()
    np.save(path / "ids.npy", ids)
    descr = np.lib.format.dtype_to_descr(np.dtype(info.dtype).newbyteorder("<"))
    header = {"descr": descr, "fortran_order": False, "shape": (info.rows, info.dim)}
    with (path / "vectors.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.writelines(blocks)


def _write_safetensors(path: Path, info: SpaceInfo, ids: Ids, blocks: Iterator[memoryview]) -> None:
    stop = ids.nbytes + info.bytes
    header = {
        "__metadata__": {"encoder": info.name, "fingerprint": info.fingerprint},
        "ids": _tensor("U64", ids.shape, 0, ids.nbytes),
        "vectors": _tensor(_DTYPES[info.dtype], (info.rows, info.dim), ids.nbytes, stop),
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the tensors are aligned
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + ids.tobytes())
        file.writelines(blocks)


def _tensor(dtype: str, shape: tuple[int, ...], start: int, stop: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": (start, stop)}
