"""Merges finished shards, and exported tables of vectors, into a store."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from embedcache.errors import StoreError, UserError
from embedcache.ids import normalize
from embedcache.shards.exchange import count_batches, read_batch
from embedcache.shards.plan import MANIFEST, SHARDS, Plan, distinct_name
from embedcache.shards.storage import Storage
from embedcache.store import EmbeddingStore, Space, index
from embedcache.store.space_info import SpaceInfo
from embedcache.store.tables import Rows, TableFile, ids_of_column
from embedcache.terminal import progress_bar

_FORMAT = 1  # of the manifest
_SUFFIXES = (".arrow", ".parquet")


@dataclass(frozen=True)
class Merged:
    """Vectors of one encoder that were merged into a store.

    Attributes:
        info: Description of the space after the merge.
        shards: Number of merged shards.
        added: Number of vectors that the store did not have.
    """

    info: SpaceInfo
    shards: int
    added: int


@dataclass(frozen=True)
class _File:
    """A shard.

    Attributes:
        storage: Folder of the shard.
        name: Name of the file in the folder.
        encoders: Fingerprints in the manifest of the folder; empty if there is no manifest.
    """

    storage: Storage
    name: str
    encoders: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.storage.url}/{self.name}"

    def open(self) -> TableFile:
        try:
            return TableFile(self.storage.open_mapped(self.name), str(self))
        except FileNotFoundError as error:
            raise UserError(
                f"{self} is missing: run the same segtool embed command again"
            ) from error


def write_manifest(storage: Storage, encoders: Sequence[str]) -> None:
    """Write the manifest, which lists the shards of a finished encoding.

    Args:
        storage: Folder of the encoding.
        encoders: Fingerprints of the parts of the encoder.
    """
    names = [f"{SHARDS}/{name}" for name in sorted(storage.names(SHARDS))]
    content = {"format": _FORMAT, "encoders": list(encoders), "shards": names}
    storage.write_bytes(MANIFEST, json.dumps(content, indent=1).encode())


def merge(
    paths: Sequence[str],
    open_store: Callable[[], EmbeddingStore],
    *,
    progress: bool = False,
) -> list[Merged]:
    """Merge shards and their texts into a store. What the store already has is skipped.

    The descriptions of all shards are checked before the store is opened; damage to their rows is
    found when these are read. If the call is interrupted, repeat it.

    Args:
        paths: Shards, and folders of shards. A folder with a manifest must have all shards that it
            lists. Shards without a manifest must all have the same encoder.
        open_store: Function that opens or creates the store.
        progress: Whether to show a progress bar on standard error.

    Returns:
        Description of the merged vectors of each encoder.

    Raises:
        UserError: A folder has no shards; a shard is missing, damaged or of another format, or its
            encoder, dimension or dtype is not that of the others; or the package pyarrow or fsspec
            is missing.
        StoreError: The store is damaged or cannot be written, or its vectors have another dimension
            or dtype.
    """
    files = [file for path in paths for file in _files_of(path)]
    infos = _check(files)
    store = open_store()
    spaces = {
        info.fingerprint: store.create_space(
            info.fingerprint,
            name=info.name,
            dim=info.dim,
            dtype=info.dtype,
            identity=info.identity,
        )
        for info in infos
    }
    shards, added = dict.fromkeys(spaces, 0), dict.fromkeys(spaces, 0)
    with progress_bar(len(files), "shards", show=progress) as bar:
        for file, info in zip(files, infos, strict=True):
            shards[info.fingerprint] += 1
            added[info.fingerprint] += _append(store, spaces[info.fingerprint], file)
            bar.update()
    return [Merged(space.info(), shards[key], added[key]) for key, space in spaces.items()]


def _files_of(path: str) -> list[_File]:
    storage = Storage.at(path)
    if path.endswith(_SUFFIXES):
        folder, _, name = storage.url.rpartition("/")
        return [_File(Storage.at(folder or "/"), name)]
    if storage.exists(MANIFEST):
        return _files_of_manifest(storage)
    names = sorted(name for name in storage.names("") if name.endswith(_SUFFIXES))
    if not names:
        raise UserError(f"{path} has no shards: choose a folder of .arrow or .parquet files")
    return [_File(storage, name) for name in names]


def _files_of_manifest(storage: Storage) -> list[_File]:
    try:
        content = json.loads(storage.read(MANIFEST))
        if content["format"] != _FORMAT:
            raise UserError(
                f"{storage.url} has shard format {content['format']}, but this version of segtool "
                f"reads format {_FORMAT}: upgrade segtool"
            )
        encoders, names = tuple(content["encoders"]), list(content["shards"])
        if not encoders or not all(isinstance(name, str) for name in (*encoders, *names)):
            raise ValueError("the encoders or the shards are not names")
    except UserError:  # which is a ValueError
        raise
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(
            f"{storage.url}/{MANIFEST} is damaged: run the same segtool embed command again"
        ) from error
    return [_File(storage, name, encoders) for name in names]


def _check(files: Sequence[_File]) -> list[SpaceInfo]:
    """Return the description in each file, after checking that they may be merged together."""
    infos = [file.open().info for file in files]
    first: dict[str, SpaceInfo] = {}
    for file, info in zip(files, infos, strict=True):
        encoders = file.encoders or (infos[0].fingerprint,)
        if info.fingerprint not in encoders:
            raise UserError(
                f"{file} has vectors of the encoder {info.name} ({info.fingerprint[:8]}), but the "
                f"other shards have vectors of {' and '.join(name[:8] for name in encoders)}: "
                "merge the shards of one encoder at a time"
            )
        other = first.setdefault(info.fingerprint, info)
        if (info.dim, info.dtype) != (other.dim, other.dtype):
            raise UserError(
                f"{file} has {info.dtype} vectors of dimension {info.dim}, but the other shards of "
                f"{info.name} have {other.dtype} vectors of dimension {other.dim}: leave out {file}"
            )
    return infos


def _append(store: EmbeddingStore, space: Space, file: _File) -> int:
    """Append the rows of a shard, and return how many the space did not have."""
    table = file.open()
    added = 0
    for rows in table.read():
        if rows.texts is not None:
            store.texts().add([normalize(text) for text in rows.texts if text is not None])
        for precision, part in _by_precision(rows, list(table.info.precisions)):
            added += space.append(
                part.ids, part.vectors, truncated=part.truncated, precision=precision
            )
    return added


def _by_precision(rows: Rows, names: Sequence[str]) -> Iterator[tuple[str, Rows]]:
    """Yield the name of each precision, and the rows with this precision."""
    present = np.unique(rows.precisions).tolist()
    for number in present:
        name = names[number - 1] if number else "unknown"
        yield name, rows if len(present) == 1 else rows.select(rows.precisions == number)


def count_stored(plan: Plan, store: EmbeddingStore) -> tuple[int, int]:
    """Count the sentences of a plan, and check that a store has all their vectors.

    The ids of one shard at a time are in memory.

    Returns:
        Number of distinct sentences, and the largest number that a part of the encoder truncated.

    Raises:
        StoreError: A sentence has no vector, or the store is damaged.
    """
    unique = 0
    truncated = dict.fromkeys(plan.fingerprints, 0)
    spaces = [store.space(fingerprint) for fingerprint in plan.fingerprints]
    for partition in range(plan.partitions):
        name = distinct_name(partition)
        for number in range(count_batches(plan.storage, name)):
            ids = ids_of_column(read_batch(plan.storage, name, number).column("id"))
            unique += len(ids)
            for space in spaces:
                entries = space.find(ids)
                absent = int(np.count_nonzero(entries == index.MISSING))
                if absent:
                    raise StoreError(
                        f"vectors are missing in {store.path} (count: {absent:,}), perhaps because "
                        "they were removed in the meantime: run the command again"
                    )
                truncated[space.fingerprint] += int(index.entry_truncated(entries).sum())
    return unique, max(truncated.values())
