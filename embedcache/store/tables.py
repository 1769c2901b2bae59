"""Vectors as Arrow tables, in which spaces are exported and shards are written.

A table has the columns `id` (16 bytes, big-endian), `vector` (a list of fixed size), `truncated`
(bool), `precision` (uint8, the position in the list `precisions`, from 1; 0 if it is unknown) and,
if the store keeps texts, `text` (a string, or null). The key "segtool" of its metadata is a JSON
object: format, fingerprint, name, identity, dim, dtype, precisions, rows (their number) and
description, which is the hash of all these. In an Arrow file, the key "checksum" of the metadata of
each record batch is the checksum of its columns and of the checksum before it. The pages of a
Parquet file have checksums of their own.

Early versions wrote neither the number of rows nor these hashes. For a shard, which has one record
batch, the JSON object had the checksum.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128

from embedcache.errors import UserError
from embedcache.hashing import fingerprint_of
from embedcache.ids import Ids
from embedcache.packages import import_package
from embedcache.store.space_info import SpaceInfo, StorageDtype

if TYPE_CHECKING:
    import pyarrow as pa

_FORMAT = 1
_KEY = b"segtool"
_CHECKSUM = b"checksum"
_DESCRIPTION = "description"
_DAMAGE = (OSError, LookupError, ValueError, MemoryError, SystemError)  # and pyarrow's own
_FIELDS = ("fingerprint", "name", "identity", "dim", "dtype")


@dataclass(frozen=True)
class Rows:
    """Rows of a table.

    Attributes:
        ids: (n, 2) uint64 sentence ids.
        vectors: (n, dim) in the dtype of the space.
        truncated: (n,) bool, whether the encoder read only the beginning of each sentence.
        precisions: (n,) uint8, the position of each row's precision in `SpaceInfo.precisions`, from
            1; 0 if it is unknown.
        texts: n texts, None for those that are not kept; None if the table has no texts.
    """

    ids: Ids
    vectors: NDArray[Any]
    truncated: NDArray[np.bool_]
    precisions: NDArray[np.uint8]
    texts: Sequence[str | None] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, wanted: NDArray[np.bool_]) -> "Rows":
        """Return the rows where `wanted` (n,) is True, without their texts."""
        return Rows(
            self.ids[wanted],
            self.vectors[wanted],
            self.truncated[wanted],
            self.precisions[wanted],
        )

    def checksum(self, previous: str = "") -> str:
        """Hash the columns, and the checksum of the rows before them: 32 hexadecimal digits."""
        digest = xxh3_128(previous.encode())
        for column in (self.ids.astype("<u8"), self.vectors, self.truncated, self.precisions):
            digest.update(np.ascontiguousarray(column).data)
        if self.texts is not None:
            digest.update(json.dumps(list(self.texts)).encode())
        return digest.hexdigest()


def import_pyarrow() -> ModuleType:
    """Import pyarrow with its modules `ipc` and `parquet`, and return it.

    Raises:
        UserError: The package is missing.
    """
    message = "Arrow and Parquet files need a package: run pip install pyarrow"
    return import_package("pyarrow", "pyarrow.parquet", missing=message)


def write_arrow(
    path: Path, info: SpaceInfo, parts: Iterable[Rows], *, with_texts: bool = False
) -> None:
    """Write rows to an Arrow file (IPC), one record batch for each part; each has a checksum.

    Args:
        path: Path of the file.
        info: Description of the space, with the number of rows of the table.
        parts: Rows of the table.
        with_texts: Whether the table has texts.

    Raises:
        UserError: The package pyarrow is missing.
    """
    pa = import_pyarrow()
    schema = _schema(info, with_texts=with_texts)
    checksum = ""
    with pa.ipc.new_file(path, schema) as writer:
        for rows in parts:
            checksum = rows.checksum(checksum)
            writer.write_batch(_batch(rows, schema), custom_metadata={_CHECKSUM: checksum})


def write_parquet(
    path: Path, info: SpaceInfo, parts: Iterable[Rows], *, with_texts: bool = False
) -> None:
    """Write rows to a Parquet file, one row group for each part; every page has a checksum.

    See `write_arrow` for the arguments and errors.
    """
    pa = import_pyarrow()
    schema = _schema(info, with_texts=with_texts)
    with pa.parquet.ParquetWriter(
        path,
        schema,
        compression="none",  # it would hardly shrink floating-point numbers
        use_dictionary=["precision"],
        write_statistics=False,
        write_page_checksum=True,
    ) as writer:
        for rows in parts:
            writer.write_batch(_batch(rows, schema), row_group_size=max(len(rows), 1))


class TableFile:
    """An Arrow or Parquet file of vectors that is open for reading.

    Args:
        source: Open binary file.
        name: Name for messages; files whose name ends in ".parquet" are Parquet files.

    Attributes:
        info: Description of the space; its row counts are 0.

    Raises:
        UserError: The file is damaged, was not written by segtool or has another format, or the
            package pyarrow is missing.
    """

    def __init__(self, source: Any, name: str) -> None:  # noqa: ANN401
        pa = import_pyarrow()
        self._name = name
        with translate_damage(self._name):
            if name.endswith(".parquet"):
                file = pa.parquet.ParquetFile(source, page_checksum_verification=True)
                schema, self._count = file.schema_arrow, file.num_row_groups
                self._read_part: Any = lambda number: (file.read_row_group(number), None)
            else:
                file = pa.ipc.open_file(source)
                schema, self._count = file.schema, file.num_record_batches
                self._read_part = file.get_batch_with_custom_metadata
        content = self._content(schema.metadata or {})
        self.info = self._info(content, schema)
        self._rows: int | None = content.get("rows")
        self._checksum: str | None = content.get("checksum")  # of the only part of an early shard
        if self._checksum and self._count != 1:
            raise _damaged(name)
        in_parts = self._rows is not None and not name.endswith(".parquet")
        self._has_checksums = in_parts or self._checksum is not None

    def read(self) -> Iterator[Rows]:
        """Yield the rows, a part at a time.

        Raises:
            UserError: The file is damaged.
        """
        count, checksum = 0, ""
        for number in range(self._count):
            with translate_damage(self._name):
                part, metadata = self._read_part(number)
                rows = _rows(part, self.info)
                expected = metadata[_CHECKSUM].decode() if metadata else self._checksum
            if self._has_checksums:
                checksum = rows.checksum(checksum)
                if checksum != expected:
                    raise _damaged(self._name)
            count += len(rows)
            yield rows
        if self._rows not in (None, count):
            raise _damaged(self._name)

    def _content(self, metadata: dict[bytes, bytes]) -> dict[str, Any]:
        if _KEY not in metadata:
            raise UserError(f"{self._name} was not written by segtool")
        try:
            content: dict[str, Any] = json.loads(metadata[_KEY])
            file_format = content["format"]
        except (KeyError, ValueError, TypeError) as error:
            raise _damaged(self._name) from error
        if file_format != _FORMAT:
            raise UserError(
                f"{self._name} has shard format {file_format}, but this version of segtool reads "
                f"format {_FORMAT}: upgrade segtool"
            )
        return content

    def _info(self, content: dict[str, Any], schema: "pa.Schema") -> SpaceInfo:
        """Return the description of the space, after checking that it fits the columns."""
        hashed = {key: value for key, value in content.items() if key != _DESCRIPTION}
        try:
            info = SpaceInfo(
                number=0,
                precisions=dict.fromkeys(content["precisions"], 0),
                **{field: content[field] for field in _FIELDS},
            )
            is_sound = (
                content.get(_DESCRIPTION) in (None, fingerprint_of(hashed))
                and all(isinstance(text, str) for text in (info.fingerprint, info.name))
                and isinstance(info.identity, dict)
                and info.dtype in get_args(StorageDtype)
                and schema.equals(_schema(info, with_texts="text" in schema.names))
            )
        except (KeyError, ValueError, TypeError) as error:
            raise _damaged(self._name) from error
        if not is_sound:
            raise _damaged(self._name)
        return info


@contextmanager
def translate_damage(name: str, advice: str = "create it again") -> Iterator[None]:
    """Raise UserError instead of the errors that pyarrow raises for a damaged file.

    Args:
        name: Name of the file, for the message.
        advice: What to do after the file is deleted, for the message.
    """
    pa = import_pyarrow()
    try:
        yield
    except UserError:
        raise
    except (pa.ArrowException, *_DAMAGE) as error:
        raise _damaged(name, advice) from error


def _damaged(name: str, advice: str = "create it again") -> UserError:
    return UserError(f"{name} is damaged or incomplete: delete it and {advice}")


def id_column(ids: Ids) -> "pa.Array":
    """Return ids (n, 2) as a column of 16 bytes, big-endian."""
    pa = import_pyarrow()
    data = pa.py_buffer(np.ascontiguousarray(ids.astype(">u8")))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(ids), [None, data])


def ids_of_column(column: "pa.Array") -> Ids:
    """Return the ids (n, 2) of a column that `id_column` made."""
    if not len(column):
        return np.zeros((0, 2), dtype=np.uint64)
    halves = np.frombuffer(
        column.buffers()[1], dtype=">u8", count=2 * len(column), offset=16 * column.offset
    )
    return halves.astype(np.uint64).reshape(-1, 2)


def ids_of_columns(columns: Iterable["pa.Array"]) -> Ids:
    """Return the ids (n, 2) of several columns that `id_column` made."""
    return np.concatenate([np.zeros((0, 2), dtype=np.uint64), *map(ids_of_column, columns)])


def _schema(info: SpaceInfo, *, with_texts: bool) -> "pa.Schema":
    pa = import_pyarrow()
    content = {"format": _FORMAT, **{field: getattr(info, field) for field in _FIELDS}}
    content |= {"precisions": list(info.precisions), "rows": info.rows}
    content[_DESCRIPTION] = fingerprint_of(content)
    element = pa.from_numpy_dtype(np.dtype(info.dtype))
    columns = {
        "id": pa.binary(16),
        "vector": pa.list_(element, info.dim),
        "truncated": pa.bool_(),
        "precision": pa.uint8(),
    }
    if with_texts:
        columns["text"] = pa.string()
    return pa.schema(list(columns.items()), metadata={_KEY: json.dumps(content).encode()})


def _batch(rows: Rows, schema: "pa.Schema") -> "pa.RecordBatch":
    pa = import_pyarrow()
    numbers = pa.array(np.ascontiguousarray(rows.vectors).ravel())
    columns = [
        id_column(rows.ids),
        pa.FixedSizeListArray.from_arrays(numbers, rows.vectors.shape[1]),
        pa.array(rows.truncated),
        pa.array(rows.precisions),
    ]
    if "text" in schema.names:
        columns.append(pa.array(rows.texts, pa.string()))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _rows(part: Any, info: SpaceInfo) -> Rows:  # noqa: ANN401
    """Return the rows of a record batch or of the table of a row group."""
    pa = import_pyarrow()
    if isinstance(part, pa.Table):
        part = part.combine_chunks().to_batches()[0] if len(part) else part.to_batches()[0]
    part.validate(full=True)  # a text may not be UTF-8
    columns = [part.column(name) for name in ("id", "vector", "truncated", "precision")]
    if any(column.null_count for column in columns):
        raise ValueError("a column has null values")
    ids, vectors, truncated, precisions = columns
    numbers = vectors.flatten().to_numpy(zero_copy_only=False).astype(info.dtype, copy=False)
    rows = Rows(
        ids_of_column(ids),
        numbers.reshape(-1, info.dim),
        truncated.to_numpy(zero_copy_only=False),
        precisions.to_numpy(zero_copy_only=False),
        part.column("text").to_pylist() if "text" in part.schema.names else None,
    )
    if not np.isfinite(numbers).all():
        raise ValueError("a vector contains NaN or infinity")
    if rows.precisions.max(initial=0) > len(info.precisions):
        raise ValueError("a precision is not in the description")
    return rows
