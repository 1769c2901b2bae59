"""Embed a corpus on a Ray cluster, with the same vectors and the same corpus as in one process."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from embedcache import EmbeddingStore, EncodeReport, normalize
from embedcache.cluster.connection import alive_nodes, check_nodes, connected, import_ray
from embedcache.cluster.job import Cluster, make_shards
from embedcache.cluster.workers import plan_workers
from embedcache.encoders import Backend, Pooling, Precision
from embedcache.encoders.threads import check_threads
from embedcache.shards.merge import count_stored, merge
from embedcache.shards.plan import Sizes
from embedcache.store.tables import import_pyarrow
from segclf.corpus import FormatName, ReadOptions
from segclf.corpus.listing import corpus_name, list_sources
from segclf.corpus.pieces import PieceReader
from segclf.corpus.read import check_format
from segclf.corpus.statistics import few_boundaries_warnings
from segclf.corpus.totals import CorpusTotals
from segclf.tasks.embed import EncoderChoice, check_source, describe, seconds_of, source_of
from segclf.tasks.embedding_job import ReadCorpus, clean_up, job_lock, make_job, read_on_cluster
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.workspace import Workspace

_MODULES = ("embedcache", "segclf", "pyarrow")  # packages that every machine of the cluster needs
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
        seconds: Wall-clock time of the whole call and of its steps; see `Embedded`.
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
        replace: Whether to replace a corpus of the same name that has another text from another
            path.
        strict: Whether to raise an error for a file that cannot be read; otherwise the file is left
            out.
        progress: Whether to show progress bars on standard error.
        address: Address of the cluster; None to start a cluster on this machine.
        workers: Number of processes that encode; None for one on each machine or, if
            `gpus_per_worker` is not 0, for as many as the GPUs allow.
        gpus_per_worker: Number of GPUs of each worker, which may be a fraction.
        shards: Folder or URL for the shards, which are kept; None for a temporary folder in the
            workspace.
        sizes: Sizes of the parts of the work; None to choose them by the size of the text.

    Raises:
        UserError: A package is missing, the path is "-", the encoder must be fitted on the corpus,
            the cluster cannot be used, lacks the CPUs or GPUs or has no access to the shards,
            another process embeds the same corpus in the same way, a process died several times, or
            `segclf.embed` would raise the error.
        StoreError: `segclf.embed` would raise the error.
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
    reader = PieceReader(format_name, options, strict)
    folder = shards or workspace.jobs
    job = make_job(folder, name, sources, reader, choice, encoder, workspace, sizes)
    source = source_of(str(path))
    with ExitStack() as locks:
        with connected(address) as ray:
            nodes = alive_nodes(ray)
            cluster = Cluster(ray, nodes, plan_workers(nodes, workers, threads, gpus_per_worker))
            locks.enter_context(workspace.embedding())  # from here on, files are written
            locks.enter_context(job_lock(job))
            check_nodes(ray, nodes, job.plan.storage, _MODULES, _ADVICE)
            corpus = read_on_cluster(cluster, job, path, encoder, split, progress=progress)
            if not replace:
                check_source(workspace, name, corpus.parts(), source)
            read = time.perf_counter()
            present = workspace.store() if workspace.has_store() else None
            make_shards(cluster, job, present, progress=progress)
        store = workspace.store(create=True)
        report = _write_vectors(corpus, store, since=read, keep_text=keep_text, progress=progress)
        reference = choice.reference(encoder)
        totals = CorpusTotals()
        parts = totals.count(corpus.parts())
        workspace.save_corpus(name, parts, options.sentences, reference, options.language, source)
        clean_up(job, keep_shards=shards is not None)
    return EmbeddedOnCluster(
        name,
        totals,
        report,
        reference,
        encoder.dim,
        seconds_of(started, read, report),
        shards=job.plan.storage.url if shards else None,
        skipped=(*unreadable.values(), *corpus.skipped),
    )


def _write_vectors(
    corpus: ReadCorpus, store: EmbeddingStore, *, since: float, keep_text: bool, progress: bool
) -> EncodeReport:
    """Merge the finished shards of a corpus into a store.

    Args:
        corpus: Corpus that was read.
        store: Store to write.
        since: Time at which the files of the corpus had been read, from `time.perf_counter`.
        keep_text: Whether to keep the sentences in the store.
        progress: Whether to show a progress bar on standard error.

    Returns:
        Counts of the sentences, and the time since `since`.
    """
    started = time.perf_counter()
    if keep_text:
        for part in corpus.parts():
            store.texts().add([normalize(sentence) for sentence in part.sentences])
    plan = corpus.job.plan
    merged = merge([plan.storage.url], lambda: store, progress=progress)
    written = time.perf_counter()
    unique, truncated = count_stored(plan, store)
    added = max(part.added for part in merged)
    return EncodeReport(
        sentences=corpus.sentences,
        unique=unique,
        encoded=added,
        cached=unique - added,
        truncated=truncated,
        seconds=written - since,
        writing_seconds=written - started,
    )
