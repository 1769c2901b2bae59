"""Encodes the sentences of one shard, with the encoder and the batching of a single machine."""

import numpy as np

from embedcache.batches import BatchEncoder, token_batches
from embedcache.encoders.base import Encoder
from embedcache.errors import UserError
from embedcache.ids import Ids
from embedcache.shards.exchange import read_ids, read_sentences
from embedcache.shards.plan import Plan, Shard, distinct_name
from embedcache.shards.storage import Storage
from embedcache.store import StorageDtype, index
from embedcache.store.space_info import SpaceInfo
from embedcache.store.tables import (
    Rows,
    ids_of_columns,
    import_pyarrow,
    translate_damage,
    write_arrow,
)


def encode_shard(plan: Plan, shard: Shard, encoder: Encoder, threads: int) -> int:
    """Encode the sentences of a shard that the store lacks, and write their vectors.

    One file is written for each part of the encoder. A file that has all of these sentences is not
    written again.

    Args:
        plan: Plan of the encoding.
        shard: Shard to encode.
        encoder: Encoder of the plan.
        threads: Number of threads that encode.

    Returns:
        Number of sentences of the shard.

    Raises:
        UserError: A vector would contain NaN or infinity in the dtype of the shard, or the number
            of threads is below 1.
    """
    ids, texts = read_sentences(plan.storage, distinct_name(shard.partition), shard.number)
    for part, dtype in zip(encoder.parts, plan.dtypes, strict=True):
        name = plan.shard_name(part.fingerprint, shard)
        folder = plan.known_folder(part.fingerprint)
        sources = [f"{folder}/{file}" for file in sorted(plan.storage.names(folder))]
        known = read_ids(plan.storage, sources, shard.partition)
        missing = np.flatnonzero(~index.among(ids, known))
        if plan.storage.exists(name):  # written by an earlier run, when the store may have had more
            written = _written_ids(plan.storage, name)
            if index.among(ids[missing], written).all():
                continue
        rows = _encode(part, [texts[row] for row in missing], ids[missing], dtype, threads)
        info = SpaceInfo(
            fingerprint=part.fingerprint,
            number=0,
            name=part.name,
            dim=part.dim,
            dtype=dtype,
            rows=len(rows),
            identity=part.identity,
            precisions={part.computation: len(rows)} if len(rows) else {},
        )
        plan.storage.write(name, lambda path: write_arrow(path, info, [rows]))  # noqa: B023
    return len(ids)


def _written_ids(storage: Storage, name: str) -> Ids:
    """Read the ids (n, 2) of a shard; there are none if they cannot be read.

    Its vectors are not read, because shards may be large. `merge` reports damaged vectors.
    """
    pa = import_pyarrow()
    only_ids = pa.ipc.IpcReadOptions(included_fields=[0])
    try:
        with storage.open(name) as file, translate_damage(name):
            shard = pa.ipc.open_file(file, options=only_ids)
            batches = map(shard.get_batch, range(shard.num_record_batches))
            return ids_of_columns(batch.column("id") for batch in batches)
    except UserError:
        return np.zeros((0, 2), dtype=np.uint64)


def _encode(
    encoder: Encoder, texts: list[str], ids: Ids, dtype: StorageDtype, threads: int
) -> Rows:
    """Encode n distinct sentences; the model is not loaded if there are none."""
    vectors = np.zeros((len(texts), encoder.dim), dtype=dtype)
    truncated = np.zeros(len(texts), dtype=np.bool_)
    if texts:
        tokens = encoder.tokenize(texts)
        truncated = tokens.truncated
        batches = token_batches(tokens.lengths, encoder.batch_tokens)
        with BatchEncoder(encoder, vectors.dtype, threads) as batch_encoder:
            for batch, encoded in batch_encoder.encode(texts, tokens.inputs, batches):
                vectors[batch] = encoded
    return Rows(ids, vectors, truncated, np.ones(len(texts), dtype=np.uint8))
