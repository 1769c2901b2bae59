"""The job that embeds a corpus on a Ray cluster: its plan, its folder, and what it has read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from embedcache import Encoder, UserError
from embedcache.cluster.job import Cluster, Job, read_groups, read_summaries
from embedcache.encoders import SifEncoder
from embedcache.folder_lock import sole_lock
from embedcache.hashing import fingerprint_of
from embedcache.shards.plan import MANIFEST, SHARDS, Plan, Sizes, Source
from embedcache.shards.storage import Storage
from embedcache.store import StorageDtype
from segclf.corpus import Corpus
from segclf.corpus.pieces import PieceReader, corpus_parts, first_sentences
from segclf.tasks.embed import SAMPLE_SENTENCES, EncoderChoice
from segclf.workspace.workspace import Workspace

_SPECIAL = re.compile(r"[^\w.-]")  # characters that may have a meaning in URLs and globs


@dataclass(frozen=True)
class ReadCorpus:
    """A corpus whose files a job has read.

    Attributes:
        job: The job.
        summaries: Summary of each group of files; see `segclf.corpus.pieces.PieceReader`.
        split: Split for all documents, or shares of the splits; see `segclf.embed`.
    """

    job: Job
    summaries: list[dict[str, Any]]
    split: str | None

    def parts(self) -> Iterator[Corpus]:
        """Return the corpus in parts, which are read one after another.

        Raises:
            UserError: The split is invalid, or only some of the documents have a split.
        """
        return corpus_parts(self.job.plan.storage, self.summaries, self.split)

    @property
    def sentences(self) -> int:
        """Number of sentences."""
        documents = (document for group in self.summaries for document in group["documents"])
        return sum(document["sentences"] for document in documents)

    @property
    def skipped(self) -> tuple[str, ...]:
        """A message for each file that the tasks could not read."""
        return tuple(message for group in self.summaries for message in group["skipped"])


def make_job(
    folder: str | Path,
    name: str,
    sources: list[Source],
    reader: PieceReader,
    choice: EncoderChoice,
    encoder: Encoder,
    workspace: Workspace,
    sizes: Sizes | None,
) -> Job:
    """Return a job in a folder whose name depends on everything that determines its files.

    The sentences in the store are an exception: `embedcache.shards.encode.encode_shard` checks
    whether an existing shard has those that the store lacks.

    Args:
        folder: Folder or URL of jobs, in which the job has a folder of its own.
        name: Name of the corpus.
        sources: Files of the corpus.
        reader: Function that reads the files.
        choice: Encoder and its settings.
        encoder: Loaded encoder of `choice`.
        workspace: Workspace with the store.
        sizes: Sizes of the parts of the work; None to choose them by the size of the text.

    Raises:
        UserError: The encoder must be fitted on the corpus, or `folder` is a URL with wildcards.
        StoreError: The store has the encoder's vectors in another dtype, or cannot be opened.
    """
    if any(isinstance(part, SifEncoder) for part in encoder.parts):
        raise UserError("--pooling sif needs the whole train split first: leave out --engine ray")
    sizes = sizes or Sizes.of(sum(source.size for source in sources))
    fingerprints = tuple(part.fingerprint for part in encoder.parts)
    dtypes = _dtypes(encoder, choice.dtype, workspace)
    identity = {
        "sources": [asdict(source) for source in sources],
        "reader": asdict(reader),
        "encoder": [fingerprints, dtypes, choice.precision, choice.backend],
        "sizes": asdict(sizes),
    }
    prefix = f"{Storage.at(folder).url.rstrip('/')}/{_SPECIAL.sub('_', name)}"
    plan = Plan(
        Storage.at(f"{prefix}-{fingerprint_of(identity)[:12]}"),
        choice.load,
        fingerprints,
        dtypes,
        partitions=sizes.partitions(sources),
        shard_rows=sizes.shard_rows,
    )
    return Job(plan, sizes.groups(sources), reader)


def _dtypes(
    encoder: Encoder, dtype: StorageDtype | None, workspace: Workspace
) -> tuple[StorageDtype, ...]:
    """Return the dtype of the stored vectors of each part of an encoder.

    Raises:
        StoreError: The store has the vectors of a part in another dtype.
    """
    store = workspace.store() if workspace.has_store() else None
    present = {info.fingerprint: info for info in store.spaces()} if store else {}
    dtypes: list[StorageDtype] = []
    for part in encoder.parts:
        wanted = part.storage_dtype or dtype
        if store and part.fingerprint in present:  # the space exists, so only its dtype is checked
            store.create_space(part.fingerprint, name=part.name, dim=part.dim, dtype=wanted)
            wanted = present[part.fingerprint].dtype
        dtypes.append(wanted or "float32")
    return tuple(dtypes)


@contextmanager
def job_lock(job: Job) -> Iterator[None]:
    """Prevent other processes of this machine from running the same job inside a `with` block.

    A job whose folder is at a URL is not locked.

    Raises:
        UserError: Another process is running the job.
    """
    folder = job.plan.storage.folder
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with sole_lock(folder, "running the same job"):
        yield


def read_on_cluster(
    cluster: Cluster,
    job: Job,
    path: str | Path,
    encoder: Encoder,
    split: str | None,
    *,
    progress: bool,
) -> ReadCorpus:
    """Read the files of a job in tasks, and check the corpus.

    Args:
        cluster: Cluster to compute on.
        job: Job to run.
        path: Path of the corpus, for messages.
        encoder: Encoder of the job.
        split: Split for all documents, or shares of the splits; see `segclf.embed`.
        progress: Whether to show a progress bar on standard error.

    Raises:
        UserError: A file cannot be read, there are no sentences, the encoder does not suit them,
            the split is invalid, only some of the documents have a split, or a process died several
            times.
    """
    read_groups(cluster, job, progress=progress)
    corpus = ReadCorpus(job, read_summaries(job), split)
    if not corpus.sentences:
        is_file = sum(map(len, job.groups)) == 1
        message = corpus.skipped[0]  # it names the first file
        raise UserError(message if is_file else f"{path} contains no sentences: {message}")
    encoder.check_text(first_sentences(job.plan.storage, len(job.groups), SAMPLE_SENTENCES))
    corpus.parts()  # checks the split
    return corpus


def clean_up(job: Job, *, keep_shards: bool) -> None:
    """Remove the files of a finished job.

    Args:
        job: Finished job.
        keep_shards: Whether to keep the shards and their manifest.
    """
    storage = job.plan.storage
    if not keep_shards:
        storage.remove()
        return
    for folder in {name.partition("/")[0] for name in storage.names("")} - {MANIFEST, SHARDS}:
        storage.remove(folder)
