"""Exports the vectors of a space, with the ids of their sentences, for other programs."""

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import lmdb
import numpy as np
from numpy.typing import NDArray

from embedcache.files import new_path, publish, scratch_folder
from embedcache.ids import Ids
from embedcache.store import index, tables, values
from embedcache.store.environment import Environment
from embedcache.store.space_info import SpaceInfo, block_key, read_info, read_segments
from embedcache.store.texts import TextPart, find_texts, read_parts
from embedcache.terminal import progress_bar

ExportFormat = Literal["npy", "safetensors", "parquet", "arrow"]

_TABLE_BLOCKS = 64  # number of blocks of the store in one part of a table

_DTYPES = {"float32": "F32", "float16": "F16", "int32": "I32"}  # names in a safetensors header


def export_space(
    path: Path, fingerprint: str, out: Path, file_format: ExportFormat, *, progress: bool = False
) -> SpaceInfo:
    """Write the ids and the vectors of a space, in the order in which they were added.

    All ids and at most 64 blocks of vectors are in memory at a time. The result gets its name when
    it is complete.

    Args:
        path: Folder of the store.
        fingerprint: Fingerprint of the space.
        out: Path of the result, which must not exist. With "safetensors", it is a file with the
            tensors `ids` (n, 2) uint64 and `vectors` (n, dim) in the dtype of the space; with
            "npy", a folder with the files `ids.npy` and `vectors.npy`; with "parquet" or "arrow", a
            file that `embedcache.store.tables` describes, which can be merged into another store,
            and which also has the texts that the store keeps.
        file_format: Format of the result.
        progress: Whether to show a progress bar on standard error.

    Returns:
        Description of the exported space.

    Raises:
        UserError: The path exists, or the package pyarrow is missing.
        StoreError: The store or the space is missing or damaged, or LMDB cannot read it.
        OSError: The result cannot be written.
    """
    if file_format in ("parquet", "arrow"):
        tables.import_pyarrow()
    environment = Environment.open(path)
    out = new_path(out, "path for the export")
    with scratch_folder(out.parent, out) as scratch, environment.reading() as transaction:
        info = read_info(environment, transaction, fingerprint)
        ids = np.zeros((info.rows, 2), dtype="<u8")
        entries = np.zeros(info.rows, dtype=np.int64)
        for segment in read_segments(environment, transaction, info):
            rows = index.entry_rows(segment.entries)
            ids[rows] = segment.ids
            entries[rows] = segment.entries
        blocks = _blocks(environment, transaction, info, progress)
        texts = tuple(read_parts(environment, transaction).values())
        _WRITERS[file_format](scratch / out.name, _Content(info, ids, entries, blocks, texts))
        publish(scratch / out.name, out)
    return info


@dataclass(frozen=True)
class _Content:
    """What is exported.

    Attributes:
        info: Description of the space.
        ids: (n, 2) uint64 ids of the sentences, by row.
        entries: (n,) int64 entries of the index, by row.
        blocks: Blocks of vectors, which can be read once.
        texts: Texts that the store keeps.
    """

    info: SpaceInfo
    ids: Ids
    entries: NDArray[np.int64]
    blocks: Iterator[memoryview]
    texts: tuple[TextPart, ...]


def _blocks(
    environment: Environment, transaction: lmdb.Transaction, info: SpaceInfo, progress: bool
) -> Iterator[memoryview]:
    with progress_bar(info.bytes, "B", show=progress) as bar:
        for number in info.blocks:
            key = block_key(info, number)
            block = values.get(environment, transaction, key)
            if block is None:
                raise values.damaged(environment, key)
            yield block
            bar.update(block.nbytes)


def _write_npy(path: Path, content: _Content) -> None:
    info = content.info
    path.mkdir()
    np.save(path / "ids.npy", content.ids)
    descr = np.lib.format.dtype_to_descr(np.dtype(info.dtype).newbyteorder("<"))
    header = {"descr": descr, "fortran_order": False, "shape": (info.rows, info.dim)}
    with (path / "vectors.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.writelines(content.blocks)


def _write_safetensors(path: Path, content: _Content) -> None:
    info, ids = content.info, content.ids
    stop = ids.nbytes + info.bytes
    header = {
        "__metadata__": {"encoder": info.name, "fingerprint": info.fingerprint},
        "ids": _tensor("U64", ids.shape, 0, ids.nbytes),
        "vectors": _tensor(_DTYPES[info.dtype], (info.rows, info.dim), ids.nbytes, stop),
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the tensors are aligned
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + ids.tobytes())
        file.writelines(content.blocks)


def _write_parquet(path: Path, content: _Content) -> None:
    rows = _table_rows(content)
    tables.write_parquet(path, content.info, rows, with_texts=bool(content.texts))


def _write_arrow(path: Path, content: _Content) -> None:
    rows = _table_rows(content)
    tables.write_arrow(path, content.info, rows, with_texts=bool(content.texts))


def _table_rows(content: _Content) -> Iterator[tables.Rows]:
    start = 0
    truncated = index.entry_truncated(content.entries)
    precisions = index.entry_precisions(content.entries).astype(np.uint8)
    if len(content.info.precisions) == 1:  # format 1 has no precision for each row
        precisions[:] = 1
    while blocks := list(islice(content.blocks, _TABLE_BLOCKS)):
        numbers = np.frombuffer(b"".join(blocks), dtype=content.info.dtype)
        vectors = numbers.reshape(-1, content.info.dim)
        part = slice(start, start + len(vectors))
        ids = content.ids[part]
        texts = find_texts(content.texts, ids) if content.texts else None
        yield tables.Rows(ids, vectors, truncated[part], precisions[part], texts)
        start = part.stop


def _tensor(dtype: str, shape: tuple[int, ...], start: int, stop: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": (start, stop)}


_WRITERS: dict[ExportFormat, Callable[[Path, _Content], None]] = {
    "npy": _write_npy,
    "safetensors": _write_safetensors,
    "parquet": _write_parquet,
    "arrow": _write_arrow,
}
