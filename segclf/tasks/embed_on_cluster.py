"""Embed a corpus on a Ray cluster: the same store and the same corpus as with one process."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from embedcache import Encoder, EncodeReport, UserError, normalize
from embedcache.cluster.connection import alive_nodes, check_nodes, connected, import_ray
from embedcache.cluster.job import Cluster, Job, make_shards, read_groups, read_summaries
from embedcache.cluster.workers import plan_workers
from embedcache.encoders import Backend, Pooling, Precision, SifEncoder
from embedcache.encoders.threads import check_threads
from embedcache.folder_lock import sole_lock
from embedcache.hashing import fingerprint_of
from embedcache.shards.merge import count_stored, merge
from embedcache.shards.plan import MANIFEST, SHARDS, Plan, Sizes, Source
from embedcache.shards.storage import Storage
from embedcache.store import StorageDtype
from embedcache.store.tables import import_pyarrow
from segclf.corpus import FormatName, ReadOptions
from segclf.corpus.listing import corpus_name, list_sources
from segclf.corpus.pieces import PieceReader, corpus_parts, first_sentences
from segclf.corpus.read import check_format
from segclf.corpus.statistics import few_boundaries_warnings
from segclf.corpus.totals import CorpusTotals
from segclf.tasks.embed import (
    SAMPLE_SENTENCES,
    EncoderChoice,
    check_source,
    describe,
    source_of,
)
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.workspace import Workspace

_MODULES = ("embedcache", "segclf", "pyarrow")  # that every machine of the cluster needs
_SPECIAL = re.compile(r"[^\w.-]")  # characters that may have a meaning in URLs and globs
_ADVICE = "give --shards a folder or a URL to which every machine of the cluster has access"


@dataclass(frozen=True)
class EmbeddedOnCluster:
    """An embedded corpus; see `segclf.tasks.embed.Embedded`.

    Attributes:
        name: Name of the corpus in the workspace.
        totals: Counts of the text.
        report: Counts of encoded and cached sentences.
        encoder: Encoder that computed the vectors.
        dim: Length of each vector.
        seconds: Wall-clock time of the whole call and of its steps.
        shards: Folder or URL of the shards; None if they were removed.
        skipped: A message for each file that could not be read.
    """

    name: str
    totals: CorpusTotals
    report: EncodeReport
    encoder: EncoderReference
    dim: int
    seconds: dict[str, float]
    shards: str | None
    skipped: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the output of `segtool embed --engine ray --json`."""
        text = {
            "headings_removed": self.totals.headings_removed,
            "boundaries_read": dict(self.totals.boundaries_read),
            "skipped": list(self.skipped),
            "splits": {split: dict(counts) for split, counts in self.totals.splits.items()},
            "warnings": few_boundaries_warnings(self.totals.splits),
        }
        content = describe(self.name, self.report, text, self.encoder, self.dim, self.seconds)
        return content | {"shards": self.shards}


def embed_on_cluster(
    path: str | Path,
    workspace: Workspace,
    *,
    name: str | None = None,
    encoder_name: str | None = None,
    pooling: Pooling | None = None,
    device: str | None = None,
    precision: Precision = "auto",
    backend: Backend = "auto",
    threads: int | None = None,
    dtype: Literal["float32", "float16"] | None = None,
    options: ReadOptions | None = None,
    format_name: Literal["auto", FormatName] = "auto",
    split: str | None = None,
    keep_text: bool = False,
    replace: bool = False,
    strict: bool = True,
    progress: bool = False,
    address: str | None = None,
    workers: int | None = None,
    gpus_per_worker: float = 0,
    shards: str | None = None,
    sizes: Sizes | None = None,
) -> EmbeddedOnCluster:
    """Embed a corpus as `segclf.embed` does, on a Ray cluster.

    If the call is interrupted, the same call continues with the shards that are not finished. The
    memory of this process does not grow with the corpus, except for a summary of its documents.

    Args:
        path: File, folder, glob or URL; see `segclf.corpus.listing.list_sources`.
        workspace: Workspace for the vectors and the corpus.
        name: Name of the corpus; None for the name of the file or folder.
        encoder_name: Name of an encoder, or several joined by "+"; see `segclf.embed`, which also
            describes the following arguments.
        pooling: Pooling of the encoder.
        device: Device of a worker.
        precision: Precision of the encoder's matrix products.
        backend: Library that runs the encoder.
        threads: Number of CPUs of a worker; None for as many as fit.
        dtype: Data type of the stored vectors.
        options: Options for finding paragraphs and sentences.
        format_name: Format of the text.
        split: Name of one split for all documents, or shares of the splits.
        keep_text: Whether to keep the sentences in the store.
        replace: Whether to replace a corpus of the same name whose text was read from another path.
        strict: Whether to raise an error for a file that cannot be read; otherwise the file is left
            out.
        progress: Whether to show progress bars on standard error.
        address: Address of the cluster; None to start a cluster on this machine.
        workers: Number of processes that encode; None for one on each machine.
        gpus_per_worker: Number of GPUs of each worker.
        shards: Folder or URL for the shards, which are kept; None for a temporary folder in the
            workspace.
        sizes: Sizes of the parts of the work; None to choose them by the size of the text.

    Raises:
        UserError: A package is missing, the cluster cannot be used or lacks the CPUs, or
            `segclf.embed` would raise the error.
        StoreError: `dtype` differs from the data type of the encoder's existing vectors.
    """
    import_ray()
    import_pyarrow()
    check_threads(threads)
    options = options or ReadOptions()
    check_format(format_name, options)
    name = name or corpus_name(str(path))
    workspace.corpus_file(name)  # checks the name before anything is read
    choice = EncoderChoice(encoder_name, pooling, device, precision, backend, dtype)
    started = time.perf_counter()
    encoder = choice.load()
    unreadable: dict[Path, str] = {}
    sources = list_sources(str(path), None if strict else unreadable)
    folder = Storage.at(shards or workspace.jobs).url.rstrip("/")
    reader = PieceReader(format_name, options, strict)
    job = _make_job(
        f"{folder}/{_SPECIAL.sub('_', name)}",
        sources,
        reader,
        choice,
        encoder,
        workspace,
        sizes,
    )
    storage = job.plan.storage
    with ExitStack() as locks:
        with connected(address) as ray:
            nodes = alive_nodes(ray)
            cluster = Cluster(ray, nodes, plan_workers(nodes, workers, threads, gpus_per_worker))
            locks.enter_context(workspace.embedding())  # from here on, files are written
            locks.enter_context(_job_lock(storage))
            check_nodes(ray, nodes, storage, _MODULES, _ADVICE)
            read_groups(cluster, job, progress=progress)
            summaries = _read_summaries(job, encoder, path)
            parts = corpus_parts(storage, summaries, split)
            source = source_of(str(path))
            if not replace:
                check_source(workspace, name, corpus_parts(storage, summaries, split), source)
            read = time.perf_counter()
            present = workspace.store() if workspace.has_store() else None
            make_shards(cluster, job, present, progress=progress)
        encoded = time.perf_counter()
        store = workspace.store(create=True)
        if keep_text:
            for part in corpus_parts(storage, summaries, split):
                store.texts().add([normalize(sentence) for sentence in part.sentences])
        merged = merge([storage.url], lambda: store, progress=progress)
        written = time.perf_counter()
        unique, truncated = count_stored(job.plan, store)
        totals = CorpusTotals()
        reference = choice.reference(encoder)
        workspace.save_corpus(
            name, totals.count(parts), options.sentences, reference, options.language, source
        )
        _clean_up(storage, keep_shards=shards is not None)
    added = max(part.added for part in merged)
    seconds = {
        "seconds": time.perf_counter() - started,
        "reading_seconds": read - started,
        "encoding_seconds": encoded - read,
        "writing_seconds": written - encoded,
    }
    report = EncodeReport(
        sentences=totals.sentences,
        unique=unique,
        encoded=added,
        cached=unique - added,
        truncated=truncated,
        seconds=written - read,
        writing_seconds=written - encoded,
    )
    kept = storage.url if shards else None
    skipped = (
        *unreadable.values(),
        *(message for summary in summaries for message in summary["skipped"]),
    )
    return EmbeddedOnCluster(name, totals, report, reference, encoder.dim, seconds, kept, skipped)


def _make_job(
    prefix: str,
    sources: list[Source],
    reader: PieceReader,
    choice: EncoderChoice,
    encoder: Encoder,
    workspace: Workspace,
    sizes: Sizes | None,
) -> Job:
    """Return a job in a folder whose name depends on all that its files depend on.

    The sentences in the store are the exception: `embedcache.shards.encode.encode_shard` checks
    whether an existing shard has those that the store lacks.

    Raises:
        UserError: The encoder is fitted on the corpus.
        StoreError: The store has the encoder's vectors in another dtype.
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
    """Return the dtype of the stored vectors of each part of an encoder."""
    store = workspace.store() if workspace.has_store() else None
    present = {info.fingerprint: info for info in store.spaces()} if store else {}
    dtypes: list[StorageDtype] = []
    for part in encoder.parts:
        wanted = part.storage_dtype or dtype
        if store and part.fingerprint in present:  # this checks the dtype, and creates nothing
            store.create_space(part.fingerprint, name=part.name, dim=part.dim, dtype=wanted)
            wanted = present[part.fingerprint].dtype
        dtypes.append(wanted or "float32")
    return tuple(dtypes)


@contextmanager
def _job_lock(storage: Storage) -> Iterator[None]:
    """Prevent other processes of this machine from running the same job inside a `with` block.

    Raises:
        UserError: Another process is running the job.
    """
    if storage.folder is None:
        yield
        return
    storage.folder.mkdir(parents=True, exist_ok=True)
    with sole_lock(storage.folder, "running the same job"):
        yield


def _read_summaries(job: Job, encoder: Encoder, path: str | Path) -> list[dict[str, Any]]:
    """Check the sentences that were read, and return the summary of each group.

    Raises:
        UserError: There are no sentences, or the encoder does not suit the text.
    """
    summaries: list[dict[str, Any]] = read_summaries(job)
    if not any(summary["documents"] for summary in summaries):
        skipped = [message for summary in summaries for message in summary["skipped"]]
        raise UserError(f"{path} contains no sentences: {skipped[0]}")
    encoder.check_text(first_sentences(job.plan.storage, len(job.groups), SAMPLE_SENTENCES))
    return summaries


def _clean_up(storage: Storage, *, keep_shards: bool) -> None:
    if not keep_shards:
        storage.remove()
        return
    for folder in {name.partition("/")[0] for name in storage.names("")} - {MANIFEST, SHARDS}:
        storage.remove(folder)
