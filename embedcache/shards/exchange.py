"""Exchanges sentences between tasks, in files that are divided into partitions by id.

A partition is a range of ids. A task that reads text writes its distinct sentences to one file,
sorted by id, with one record batch for each partition. The task of a partition reads its batch from
each of these files, and so receives every occurrence of its ids. A task needs memory only for the
sentences of one group of files or of one partition.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embedcache.ids import Ids, normalize, sentence_ids
from embedcache.shards.storage import Storage
from embedcache.store import EmbeddingStore
from embedcache.store.environment import Environment
from embedcache.store.space_info import read_info, read_segments
from embedcache.store.tables import id_column, ids_of_column, import_pyarrow

if TYPE_CHECKING:
    import pyarrow as pa


def scatter(storage: Storage, name: str, sentences: Iterable[str], partitions: int) -> None:
    """Write the distinct sentences of a text, divided into partitions.

    Args:
        storage: Folder of the file.
        name: Name of the file.
        sentences: Sentences, which this function normalizes.
        partitions: Number of partitions.
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
        StoreError: The store or the space is missing or damaged.
    """
    pa = import_pyarrow()
    environment = Environment.open(store.path)
    with environment.reading() as transaction:
        info = read_info(environment, transaction, fingerprint)
        for number, segment in enumerate(read_segments(environment, transaction, info)):
            batch = pa.RecordBatch.from_arrays([id_column(segment.ids)], ["id"])
            _write(storage, f"{folder}/{number:05}.arrow", batch, _edges(segment.ids, partitions))


def gather(storage: Storage, sources: Sequence[str], partition: int, name: str, rows: int) -> None:
    """Write the distinct sentences of one partition, sorted by id.

    Args:
        storage: Folder of the files.
        sources: Names of the files that `scatter` wrote.
        partition: Number of the partition.
        name: Name of the result, which has a record batch for each shard, and at least one.
        rows: Number of sentences in a shard; the last one may have fewer.
    """
    pa = import_pyarrow()
    table = pa.Table.from_batches([read_batch(storage, name, partition) for name in sources])
    ids = _ids_of_table(table)
    order = _sorted_order(ids)
    is_first = np.ones(len(order), dtype=np.bool_)  # equal ids are adjacent
    is_first[1:] = (ids[order[1:]] != ids[order[:-1]]).any(axis=1)
    texts = table.column("text").take(pa.array(order[is_first])).combine_chunks()
    batch = _sentence_batch(ids[order[is_first]], texts)
    _write(storage, name, batch, np.arange(rows, len(batch), rows))


def read_ids(storage: Storage, sources: Iterable[str], partition: int) -> Ids:
    """Read the ids (n, 2) of a partition from files that `write_known` wrote."""
    parts = [ids_of_column(read_batch(storage, name, partition).column("id")) for name in sources]
    return np.concatenate([np.zeros((0, 2), dtype=np.uint64), *parts])


def read_shard_ids(storage: Storage, name: str) -> Ids:
    """Read the ids (n, 2) of a shard, or no ids (0, 2) if its file is damaged."""
    pa = import_pyarrow()
    only_ids = pa.ipc.IpcReadOptions(included_fields=[0])
    parts = [np.zeros((0, 2), dtype=np.uint64)]
    try:
        with storage.open(name) as file:
            shard = pa.ipc.open_file(file, options=only_ids)
            batches = map(shard.get_batch, range(shard.num_record_batches))
            parts += [ids_of_column(batch.column("id")) for batch in batches]
    except pa.ArrowException:
        return parts[0]
    return np.concatenate(parts)


def read_sentences(storage: Storage, name: str, number: int) -> tuple[Ids, list[str]]:
    """Read the ids (n, 2) and the texts of a shard from a file that `gather` wrote."""
    batch = read_batch(storage, name, number)
    return ids_of_column(batch.column("id")), batch.column("text").to_pylist()


def read_batch(storage: Storage, name: str, number: int) -> "pa.RecordBatch":
    """Read one record batch of a file."""
    pa = import_pyarrow()
    with storage.open(name) as file:
        return pa.ipc.open_file(file).get_batch(number)


def count_batches(storage: Storage, name: str) -> int:
    """Count the record batches of a file."""
    pa = import_pyarrow()
    with storage.open(name) as file:
        return int(pa.ipc.open_file(file).num_record_batches)


def _sentence_batch(ids: Ids, texts: "pa.Array") -> "pa.RecordBatch":
    return import_pyarrow().RecordBatch.from_arrays([id_column(ids), texts], ["id", "text"])


def _write(
    storage: Storage, name: str, batch: "pa.RecordBatch", inner_edges: NDArray[np.int64]
) -> None:
    """Write the rows of a batch as several batches, split at the inner edges."""
    pa = import_pyarrow()
    edges = pairwise([0, *inner_edges.tolist(), len(batch)])

    def write(path: Path) -> None:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(path, batch.schema, options=options) as writer:
            for start, stop in edges:
                writer.write_batch(batch.slice(start, stop - start))

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


def _ids_of_table(table: "pa.Table") -> Ids:
    chunks = [ids_of_column(chunk) for chunk in table.column("id").chunks]
    return np.concatenate([np.zeros((0, 2), dtype=np.uint64), *chunks])
