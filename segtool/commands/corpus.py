"""Commands on corpora: embed and stats."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from embedcache.encoders import Backend, Pooling
from segclf.corpus import ReadOptions
from segtool.completion import complete_corpora
from segtool.options import (
    EncoderComputeOptions,
    EngineOptions,
    FormatOption,
    JsonOption,
    NewWorkspaceOption,
    SplitOption,
    StrictOption,
    WorkspaceOption,
    with_options,
)
from segtool.output import report, report_skipped, show, shows_progress

if TYPE_CHECKING:
    from segclf.tasks.embed import Embedded
    from segclf.tasks.embed_on_cluster import EmbeddedOnCluster


@dataclass(frozen=True)
class VectorOptions:
    """Options for the encoder and for what is stored.

    Attributes:
        encoder: Name, folder or Hub id of an encoder, or wordvec:FILE. NAME:LAYER uses the
            Transformer only up to that layer; static:NAME averages token vectors that are distilled
            from the Transformer NAME; A+B concatenates the vectors of encoders A and B.
            [default: e5-small-paragraphs+surface]
        pooling: Pooling: cls, mean or max for a Hugging Face encoder; mean, sif or tokens for word
            vectors (the head wordlstm reads tokens). [default: the pooling of the encoder]
        dtype: Data type of the stored vectors. [default: the existing data type, or float32 for a
            new encoder]
        keep_text: Keep the sentences in the store too, so that segtool store verify compares them
            with their ids, and segtool store export writes them next to their vectors.
    """

    encoder: str | None = None
    pooling: Pooling | None = None
    dtype: Literal["float32", "float16"] | None = None
    keep_text: bool = False


@dataclass(frozen=True)
class EmbedComputeOptions(EncoderComputeOptions):
    """Device, threads, precision and library for running an encoder.

    Attributes:
        threads: Number of CPU threads, each of which encodes on one core. [default: the number of
            cores]
        backend: Library that runs a Transformer. auto selects OpenVINO on a CPU if it supports the
            model, and torch otherwise; segtool encoders show NAME shows the choice.
    """

    backend: Backend = "auto"


@dataclass(frozen=True)
class ClusterOptions(EngineOptions):
    """Where to encode.

    Attributes:
        engine: Where to read and encode. local: in this process; ray: on a Ray cluster, which also
            reads globs and URLs such as s3://bucket/*.txt.
        workers: Number of processes of --engine ray that encode. [default: one on each machine]
        gpus_per_worker: Number of GPUs for each worker of --engine ray. Fractions are allowed.
        shards: Folder or URL for the finished shards of --engine ray, which are kept there. Every
            machine of the cluster must have access to it. [default: a temporary folder in the
            workspace]
    """

    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    workers: int | None = None
    gpus_per_worker: float = 0
    shards: str | None = None


@with_options()
def embed(
    path: Annotated[
        str,
        typer.Argument(
            help="File, folder of files, or - for stdin: text, HTML, EPUB, DOCX or JSON Lines."
        ),
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the corpus. [default: the name of the file or folder]"),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Replace a corpus of the same name that was read from another path."
        ),
    ] = False,
    vectors: VectorOptions,
    text_format: FormatOption = "auto",
    options: ReadOptions,
    split: SplitOption = None,
    strict: StrictOption = False,
    compute: EmbedComputeOptions,
    cluster: ClusterOptions,
    workspace: NewWorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a corpus and encode its new sentences.

    Example: segtool embed novels/ --boundary indent --split 80/10/10
    """
    from segclf.workspace.workspace import Workspace
    from segtool.tables.corpus import print_embedded

    embedded = _embedding_function(cluster)(
        path,
        Workspace(workspace),
        name=name,
        encoder_name=vectors.encoder,
        pooling=vectors.pooling,
        device=compute.device,
        precision=compute.precision,
        backend=compute.backend,
        threads=compute.threads,
        dtype=vectors.dtype,
        keep_text=vectors.keep_text,
        options=options,
        format_name=text_format,
        split=split,
        replace=replace,
        strict=strict,
        progress=shows_progress(as_json),
    )
    content = embedded.to_dict()
    show(content, print_embedded, as_json)
    for warning in content["warnings"]:
        report(f"warning: {warning}")
    report_skipped(content["skipped"])


def _embedding_function(cluster: ClusterOptions) -> "Callable[..., Embedded | EmbeddedOnCluster]":
    if cluster.engine == "local":
        from segclf.tasks.embed import embed as embed_corpus

        return embed_corpus
    from segclf.tasks.embed_on_cluster import embed_on_cluster

    return partial(
        embed_on_cluster,
        address=cluster.address,
        workers=cluster.workers,
        gpus_per_worker=cluster.gpus_per_worker,
        shards=cluster.shards,
    )


@with_options()
def stats(
    corpus: Annotated[
        str | None,
        typer.Argument(
            help="Name of an embedded corpus, or a path. [default: the latest embedded corpus]",
            autocompletion=complete_corpora,
        ),
    ] = None,
    *,
    text_format: FormatOption = "auto",
    options: ReadOptions,
    split: SplitOption = None,
    strict: StrictOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show statistics of a corpus and of its stored vectors.

    The options for reading apply to a path, not to an embedded corpus.

    Example: segtool stats novels/ --boundary indent
    """
    from segclf.corpus.statistics import corpus_statistics, corpus_warnings
    from segclf.tasks.statistics import encoder_statistics, find_corpus
    from segclf.workspace.workspace import Workspace
    from segtool.tables.corpus import print_statistics

    opened = Workspace(workspace)
    name, found, encoders = find_corpus(
        corpus,
        opened,
        options=options,
        format_name=text_format,
        split=split,
        strict=strict,
    )
    warnings = corpus_warnings(found)
    content = {
        "corpus": name,
        "splits": corpus_statistics(found),
        "warnings": warnings,
        "encoders": encoder_statistics(encoders, opened),
    }
    show(content, print_statistics, as_json)
    for warning in warnings:
        report(f"warning: {warning}")
    report_skipped(found.skipped)
