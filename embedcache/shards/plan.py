"""The plan of a distributed encoding: the names of its files, and the settings of its tasks."""

from collections.abc import Callable
from dataclasses import dataclass, field

from embedcache.encoders.base import Encoder
from embedcache.shards.storage import Storage
from embedcache.store import StorageDtype

MANIFEST = "manifest.json"
SHARDS = "shards"
_MIN_ROWS, _MAX_ROWS = 1 << 11, 1 << 16  # of a shard
_SENTENCE_BYTES = 100  # assumed average
_MIN_SHARDS = 64


@dataclass(frozen=True)
class Source:
    """A text file.

    Attributes:
        id: Id of the document that it contains.
        path: Absolute path or URL.
        size: Size in bytes.
        version: String that changes when the content changes, such as the modification time.
    """

    id: str
    path: str
    size: int
    version: str = field(default="", compare=False)


@dataclass(frozen=True)
class Sizes:
    """Sizes of the parts of the work. The result does not depend on them.

    Attributes:
        group_bytes: Maximum size of the text that one task reads; a larger file is a group of its
            own.
        partition_bytes: Approximate maximum size of the text in a partition of the ids, repetitions
            included.
        shard_rows: Maximum number of sentences in a shard.
    """

    group_bytes: int
    partition_bytes: int
    shard_rows: int

    @classmethod
    def of(cls, total: int) -> "Sizes":
        """Return sizes for a text of `total` bytes.

        The task of a partition reads from the file of every group. With these sizes, it reads 256
        KB or more from each file, unless the text is small. Unless the text is small, there are
        also at least about 64 shards, so that the workers finish at about the same time.
        """
        size = max(1 << 25, int((total << 16) ** 0.5))
        rows = total // _SENTENCE_BYTES // _MIN_SHARDS
        return cls(size, 4 * size, min(max(rows, _MIN_ROWS), _MAX_ROWS))

    def partitions(self, sources: list[Source]) -> int:
        """Return the number of partitions."""
        total = sum(source.size for source in sources)
        return max(1, -(-total // self.partition_bytes))

    def groups(self, sources: list[Source]) -> list[list[Source]]:
        """Divide files into groups of consecutive files."""
        groups: list[list[Source]] = [[]]
        size = 0
        for source in sources:
            if groups[-1] and size + source.size > self.group_bytes:
                groups.append([])
                size = 0
            groups[-1].append(source)
            size += source.size
        return groups


@dataclass(frozen=True)
class Plan:
    """A distributed encoding.

    Attributes:
        storage: Folder of the files, to which all machines have access.
        load: Function that loads the encoder; it must be picklable.
        fingerprints: Fingerprints of the parts of the encoder, the same on all machines.
        dtypes: Dtype of the stored vectors of each part.
        partitions: Number of partitions of the ids.
        shard_rows: Maximum number of sentences in a shard.
    """

    storage: Storage
    load: Callable[[], Encoder]
    fingerprints: tuple[str, ...]
    dtypes: tuple[StorageDtype, ...]
    partitions: int
    shard_rows: int

    def known_folder(self, fingerprint: str) -> str:
        """Return the folder with the ids that the store already has for a part of the encoder."""
        return f"known/{fingerprint}"

    def shard_name(self, fingerprint: str, shard: "Shard") -> str:
        """Return the name of a finished shard of a part of the encoder."""
        return f"{SHARDS}/{fingerprint}/{shard.name}"


@dataclass(frozen=True)
class Shard:
    """Sentences that one task encodes.

    Attributes:
        partition: Number of the partition.
        number: Number of the shard in the partition.
    """

    partition: int
    number: int

    @property
    def name(self) -> str:
        """Name of the file, in the folder of a part of the encoder."""
        return f"{self.partition:05}/{self.number:05}.arrow"


def group_name(number: int) -> str:
    """Return the name of the file that records that a group of files has been read."""
    return f"groups/{number:05}.json"


def scattered_name(number: int) -> str:
    """Return the name of the file of a group's sentences; see `embedcache.shards.exchange`."""
    return f"scattered/{number:05}.arrow"


def distinct_name(partition: int) -> str:
    """Return the name of the file of a partition's distinct sentences."""
    return f"distinct/{partition:05}.arrow"
