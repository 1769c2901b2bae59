"""Tables with a flipped bit, and tables of versions that wrote fewer checksums."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from embedcache import UserError
from embedcache.store.space_info import SpaceInfo
from embedcache.store.tables import Rows, TableFile, write_arrow, write_parquet
from tests.embedcache.flips import flip_bits
from tests.embedcache.store.stores import FINGERPRINT, ids_of, numbered

COUNT = 9
INFO = SpaceInfo(
    fingerprint=FINGERPRINT,
    number=0,
    name="x",
    dim=4,
    rows=COUNT,
    identity={"a": 1},
    precisions={"float32": 4, "bfloat16": 5},
)


def rows_of(start, stop, *, with_texts=True):
    numbers = np.arange(start, stop)
    texts = [None if number % 4 == 0 else f"文{number}" for number in numbers]
    return Rows(
        ids_of(*numbers.tolist()),
        numbered(start, stop),
        numbers % 3 == 0,
        np.where(numbers < 4, 1, 2).astype(np.uint8),
        texts if with_texts else None,
    )


def write(path, writer=write_arrow):
    """Write three parts of the same size."""
    writer(path, INFO, (rows_of(start, start + 3) for start in (0, 3, 6)), with_texts=True)


def contents(path):
    """Return all that a table has, except for the division into parts."""
    table = TableFile(pa.BufferReader(path.read_bytes()), path.name)
    rows = [
        (row.tolist(), vector.tolist(), bool(truncated), int(precision), text)
        for rows in table.read()
        for row, vector, truncated, precision, text in zip(
            rows.ids, rows.vectors, rows.truncated, rows.precisions, rows.texts, strict=True
        )
    ]
    return table.info, rows


def check_flips(path, step):
    """Assert that a table with a flipped bit has the same content or is refused."""
    sound = contents(path)
    refused = 0
    for bit in flip_bits(path, step):
        try:
            assert contents(path) == sound, bit
        except UserError:
            refused += 1
    assert refused


@pytest.mark.parametrize("writer", [write_arrow, write_parquet])
def test_a_table_with_a_flipped_bit_is_refused(tmp_path, writer):
    path = tmp_path / writer.__name__.replace("write_", "x.")
    write(path, writer)
    check_flips(path, 101)


def read_and_write(path, change):
    """Change the record batches of an Arrow file; `change` gets their list with checksums."""
    with pa.ipc.open_file(path) as file:
        numbers = range(file.num_record_batches)
        batches = [file.get_batch_with_custom_metadata(number) for number in numbers]
        schema = file.schema
    with pa.ipc.new_file(path, schema) as writer:
        for batch, metadata in change(batches):
            writer.write_batch(batch, custom_metadata=metadata)


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts[:2],
        lambda parts: [parts[0], parts[2], parts[1]],
        lambda parts: [parts[0], parts[0], parts[2]],
        lambda parts: [(batch, None) for batch, _ in parts],
    ],
)
def test_a_part_that_is_missing_moved_or_without_a_checksum_is_noticed(tmp_path, change):
    write(tmp_path / "x.arrow")
    read_and_write(tmp_path / "x.arrow", change)
    with pytest.raises(UserError, match=r"x\.arrow is damaged or incomplete"):
        contents(tmp_path / "x.arrow")


def make_early(path, **content):
    """Convert an Arrow file to one of an early version, without checksums of its batches."""
    with pa.ipc.open_file(path) as file:
        table = file.read_all()
    described = json.loads(table.schema.metadata[b"segtool"])
    for key in ("rows", "description"):
        described.pop(key, None)
    metadata = {b"segtool": json.dumps(described | content).encode()}
    with pa.ipc.new_file(path, table.schema.with_metadata(metadata)) as writer:
        writer.write_table(table)


def test_tables_of_early_versions_are_read(tmp_path):
    write(tmp_path / "x.arrow")
    sound = contents(tmp_path / "x.arrow")
    make_early(tmp_path / "x.arrow")
    assert contents(tmp_path / "x.arrow") == sound


def test_the_checksum_in_a_shard_of_an_early_version_is_verified(tmp_path):
    path = tmp_path / "x.arrow"
    rows = rows_of(0, COUNT, with_texts=False)
    write_arrow(path, INFO, [rows])
    make_early(path, checksum=rows.checksum())
    (read,) = TableFile(pa.BufferReader(path.read_bytes()), path.name).read()
    assert np.array_equal(read.vectors, rows.vectors)
    make_early(path, checksum="0" * 32)
    with pytest.raises(UserError, match=r"x\.arrow is damaged or incomplete"):
        list(TableFile(pa.BufferReader(path.read_bytes()), path.name).read())


@pytest.mark.parametrize(
    "changes",
    [
        {"precisions": np.full(COUNT, 3, dtype=np.uint8)},
        {"vectors": np.full((COUNT, 4), np.nan, dtype=np.float32)},
    ],
)
def test_what_no_store_contains_is_refused(tmp_path, changes):
    write_arrow(tmp_path / "x.arrow", INFO, [replace(rows_of(0, COUNT), **changes)])
    with pytest.raises(UserError, match=r"x\.arrow is damaged or incomplete"):
        contents(tmp_path / "x.arrow")


@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": "floit32"},
        {"dtype": "float16"},
        {"dtype": 5},
        {"dim": 5},
        {"dim": "4"},
        {"precisions": None},
        {"name": None},
        {"identity": []},
    ],
)
def test_a_damaged_description_of_an_early_version_is_refused(tmp_path, changes):
    write(tmp_path / "x.arrow")
    make_early(tmp_path / "x.arrow", **changes)
    with pytest.raises(UserError, match=r"x\.arrow is damaged or incomplete"):
        contents(tmp_path / "x.arrow")
