"""Exchanges sentences between tasks, in files that are divided into partitions by id.

A partition is a range of ids. A task that reads text writes its distinct sentences to one file,
sorted by id, with one record batch for each partition. The task of a partition reads its batch from
each of these files, and so receives every occurrence of its ids. A task needs memory only for the
sentences of one group of files or of one partition.

Each file has the checksums of the ids in its record batches, and an id is the hash of its text, so
a damaged file is noticed. Early versions wrote no checksums.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_hexdigest

from embedcache.ids import Ids, normalize, sentence_ids
from embedcache.shards.storage import Storage
from embedcache.store import EmbeddingStore, index
from embedcache.store.environment import Environment
from embedcache.store.space_info import read_info, read_segments
from embedcache.store.tables import (
    id_column,
    ids_of_column,
    ids_of_columns,
    import_pyarrow,
    translate_damage,
)

if TYPE_CHECKING:
    import pyarrow as pa

_CHECKSUMS = b"checksums"  # in the metadata of the schema: of the ids of each record batch


def scatter(storage: Storage, name: str, sentences: Iterable[str], partitions: int) -> None:
    """Write the distinct sentences of a text, divided into partitions.

    Args:
        storage: Folder of the file.
        name: Name of the file.
        sentences: Sentences, which this function normalizes.
        partitions: Number of partitions.

    Raises:
        UserError: pyarrow is not installed.
    """
    pa = import_pyarrow()
    texts = list(dict.fromkeys(map(normalize, sentences)))
    ids = sentence_ids(texts)
    order = _sorted_order(ids)
    column = pa.array(texts, pa.large_string()).take(pa.array(order))
    batch = _sentence_batch(ids[order], column)
    _write(storage, name, batch, _edges(ids[order], partitions))


def write_known(
    storage: Storage, folder: str, store: EmbeddingStore, fingerprint: str, partitions: int
) -> None:
    """Write the ids that a space has, one file for each segment of its index.

    One segment at a time is in memory.

    Args:
        storage: Folder of the files.
        folder: Subfolder of the files.
        store: Store of the space.
        fingerprint: Fingerprint of the space.
        partitions: Number of partitions.

    Raises:
        UserError: pyarrow is not installed.
        StoreError: The store or the space is missing or damaged.
    """
    pa = import_pyarrow()
    environment = Environment.open(store.path)
    with environment.reading() as transaction:
        info = read_info(environment, transaction, fingerprint)
        for number, segment in enumerate(read_segments(environment, transaction, info)):
            ids = segment.ids
            batch = pa.RecordBatch.from_arrays([id_column(ids)], ["id"])
            _write(storage, f"{folder}/{number:05}.arrow", batch, _edges(ids, partitions))


def gather(storage: Storage, sources: Sequence[str], partition: int, name: str, rows: int) -> None:
    """Write the distinct sentences of one partition, sorted by id.

    Args:
        storage: Folder of the files.
        sources: Names of the files that `scatter` wrote.
        partition: Number of the partition.
        name: Name of the result, which has a record batch for each shard, and at least one.
        rows: Number of sentences in a shard; the last one may have fewer.

    Raises:
        FileNotFoundError: A source is missing.
        UserError: A source is damaged.
    """
    pa = import_pyarrow()
    parts = (read_sentences(storage, source, partition) for source in sources)
    batches = [_sentence_batch(ids, pa.array(texts, pa.large_string())) for ids, texts in parts]
    table = pa.Table.from_batches(batches)
    ids = ids_of_columns(table.column("id").chunks)
    first = index.first_occurrences(ids)
    order = first[_sorted_order(ids[first])]
    texts = table.column("text").take(pa.array(order)).combine_chunks()
    batch = _sentence_batch(ids[order], texts)
    _write(storage, name, batch, np.arange(rows, len(batch), rows))


def read_ids(storage: Storage, sources: Iterable[str], partition: int) -> Ids:
    """Read the ids (n, 2) of a partition from files that `write_known` wrote.

    Raises:
        FileNotFoundError: A file is missing.
        UserError: A file is damaged.
    """
    batches = (read_batch(storage, name, partition) for name in sources)
    return ids_of_columns(batch.column("id") for batch in batches)


def read_sentences(storage: Storage, name: str, number: int) -> tuple[Ids, list[str]]:
    """Read the ids (n, 2) and the texts of a shard, or of a partition.

    Args:
        storage: Folder of the file.
        name: Name of a file that `gather` or `scatter` wrote.
        number: Number of the shard or the partition in the file, from 0.

    Raises:
        FileNotFoundError: The file is missing.
        UserError: The file is damaged.
    """
    batch = read_batch(storage, name, number)
    with _translate_damage(storage, name):
        ids, texts = ids_of_column(batch.column("id")), batch.column("text").to_pylist()
        if not np.array_equal(sentence_ids(texts), ids):
            raise ValueError("an id is not that of its text")
    return ids, texts


def read_batch(storage: Storage, name: str, number: int) -> "pa.RecordBatch":
    """Read one record batch of a file.

    Args:
        storage: Folder of the file.
        name: Name of the file.
        number: Number of the record batch, from 0.

    Raises:
        FileNotFoundError: The file is missing.
        UserError: The file is damaged.
    """
    with _opened(storage, name) as (reader, checksums):
        batch = reader.get_batch(number)
        batch.validate(full=True)
        if any(column.null_count for column in batch.columns):
            raise ValueError("a column has null values")
        if checksums and checksums[number] != _checksum(batch):
            raise ValueError("the ids do not match their checksum")
        return batch


def count_batches(storage: Storage, name: str) -> int:
    """Count the record batches of a file.

    Raises:
        FileNotFoundError: The file is missing.
        UserError: The file is damaged.
    """
    with _opened(storage, name) as (reader, _):
        return int(reader.num_record_batches)


@contextmanager
def _opened(storage: Storage, name: str) -> Iterator[tuple[Any, list[str]]]:
    """Open a file, and yield its reader and the checksums of its batches, if it has any."""
    pa = import_pyarrow()
    with storage.open(name) as file, _translate_damage(storage, name):
        reader = pa.ipc.open_file(file)
        checksums = json.loads((reader.schema.metadata or {}).get(_CHECKSUMS, b"[]"))
        if checksums and len(checksums) != reader.num_record_batches:
            raise ValueError("the number of record batches is wrong")
        yield reader, checksums


def _translate_damage(storage: Storage, name: str) -> AbstractContextManager[None]:
    return translate_damage(f"{storage.url}/{name}", "run the command again")


def _checksum(batch: "pa.RecordBatch") -> str:
    """Hash the ids of a batch."""
    return xxh3_128_hexdigest(ids_of_column(batch.column("id")).astype("<u8").tobytes())


def _sentence_batch(ids: Ids, texts: "pa.Array") -> "pa.RecordBatch":
    return import_pyarrow().RecordBatch.from_arrays([id_column(ids), texts], ["id", "text"])


def _write(
    storage: Storage, name: str, batch: "pa.RecordBatch", inner_edges: NDArray[np.int64]
) -> None:
    """Write the rows of a batch as several batches, split at the inner edges."""
    pa = import_pyarrow()
    edges = pairwise([0, *inner_edges.tolist(), len(batch)])
    parts = [batch.slice(start, stop - start) for start, stop in edges]
    checksums = json.dumps([_checksum(part) for part in parts])
    schema = batch.schema.with_metadata({_CHECKSUMS: checksums})

    def write(path: Path) -> None:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(path, schema, options=options) as writer:
            for part in parts:
                writer.write_batch(part)

    storage.write(name, write)


def _edges(ids: Ids, partitions: int) -> NDArray[np.int64]:
    """Return the positions (partitions - 1,) at which sorted ids (n, 2) are split into partitions.

    Ids are hashes, so equal ranges of ids contain nearly equal numbers of sentences.
    """
    bounds = [(number << 64) // partitions for number in range(1, partitions)]
    edges: NDArray[np.int64] = np.searchsorted(ids[:, 0], np.array(bounds, dtype=np.uint64))
    return edges


def _sorted_order(ids: Ids) -> NDArray[np.int64]:
    return np.lexsort((ids[:, 1], ids[:, 0]))
