"""Embed a corpus: read it, encode its new sentences, and save it in the workspace."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from embedcache import EncodeReport, UserError, encode_sentences, load_encoder
from embedcache.encoders import Backend, Encoder, Pooling, Precision
from embedcache.encoders.threads import check_threads
from embedcache.shards.storage import is_url
from segclf.corpus import Corpus, FormatName, ReadOptions, read_corpus
from segclf.corpus.listing import corpus_name
from segclf.corpus.statistics import corpus_warnings
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.corpus_files import other_source
from segclf.workspace.encoder_states import fit
from segclf.workspace.encoders import DEFAULT_ENCODER
from segclf.workspace.workspace import Workspace

SAMPLE_SENTENCES = 1000  # number of sentences that are passed to `Encoder.check_text`


@dataclass(frozen=True)
class Embedded:
    """An embedded corpus: the store contains a vector for each of its sentences.

    Attributes:
        name: Name of the corpus in the workspace.
        corpus: Sentences and layout.
        report: Counts of encoded and cached sentences.
        encoder: Encoder that computed the vectors.
        dim: Length of each vector.
        seconds: Wall-clock time of the whole call and of its steps: `seconds`, `reading_seconds`,
            `encoding_seconds` and `writing_seconds`.
    """

    name: str
    corpus: Corpus
    report: EncodeReport
    encoder: EncoderReference
    dim: int
    seconds: dict[str, float]

    @property
    def warnings(self) -> list[str]:
        """Warnings about the corpus; see `segclf.corpus.statistics.corpus_warnings`."""
        return corpus_warnings(self.corpus)

    def to_dict(self) -> dict[str, Any]:
        """Return the output of `segtool embed --json`."""
        text = {
            "headings_removed": self.corpus.headings_removed,
            "boundaries_read": dict(self.corpus.boundaries_read),
            "skipped": list(self.corpus.skipped),
            "splits": self.corpus.counts(),
            "warnings": self.warnings,
        }
        return describe(self.name, self.report, text, self.encoder, self.dim, self.seconds)


def describe(
    name: str,
    report: EncodeReport,
    text: dict[str, Any],
    encoder: EncoderReference,
    dim: int,
    seconds: dict[str, float],
) -> dict[str, Any]:
    """Return the output of `segtool embed --json`.

    Args:
        name: Name of the corpus.
        report: Counts of encoded and cached sentences.
        text: Description of the text that was read.
        encoder: Encoder that computed the vectors.
        dim: Length of each vector.
        seconds: Wall-clock times; see `Embedded`.
    """
    return {
        "corpus": name,
        "sentences": report.sentences,
        "unique": report.unique,
        "encoded": report.encoded,
        "cached": report.cached,
        "truncated": report.truncated,
        **text,
        "encoder": encoder.name,
        "fingerprint": encoder.fingerprint,
        "dim": dim,
        **{step: round(value, 3) for step, value in seconds.items()},
    }


@dataclass(frozen=True)
class EncoderChoice:
    """An encoder and its settings; see `embed`.

    Raises:
        UserError: A pooling is given without an encoder.
    """

    name: str | None
    pooling: Pooling | None
    device: str | None
    precision: Precision
    backend: Backend
    dtype: Literal["float32", "float16"] | None

    def __post_init__(self) -> None:
        if self.pooling is not None and self.name is None:
            raise UserError(
                f"--pooling {self.pooling} requires --encoder: the default encoder, "
                f"{DEFAULT_ENCODER}, has its own pooling"
            )

    def load(self) -> Encoder:
        """Load the encoder.

        Raises:
            UserError: The encoder does not exist or cannot be loaded, or it does not use an option.
        """
        name = self.name or DEFAULT_ENCODER
        encoder = load_encoder(
            name,
            pooling=self.pooling,
            device=self.device,
            precision=self.precision,
            backend=self.backend,
        )
        if self.dtype and encoder.storage_dtype:
            raise UserError(
                f"--dtype {self.dtype}: the vectors of {name} are always stored as "
                f"{encoder.storage_dtype}; leave out --dtype"
            )
        if encoder.is_fast:
            self._check_no_execution(name)
        return encoder

    def _check_no_execution(self, name: str) -> None:
        """Raise UserError if an option of Transformers is given for another encoder."""
        given = {"device": self.device, "precision": self.precision, "backend": self.backend}
        for option, value in given.items():
            if value not in (None, "auto", "cpu"):
                raise UserError(
                    f"--{option} {value} has no effect on {name}, which is not a Transformer: "
                    f"leave out --{option}"
                )

    def reference(self, encoder: Encoder) -> EncoderReference:
        """Return a reference to the loaded encoder, for the record of a corpus."""
        return EncoderReference(self.name or DEFAULT_ENCODER, self.pooling, encoder.fingerprint)


def embed(
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
) -> Embedded:
    """Read a corpus, encode sentences that the store lacks, and save the corpus in the workspace.

    The corpus is saved after all sentences are encoded. If the call is interrupted, the vectors
    computed so far are kept, and the same call encodes the remaining sentences.

    Args:
        path: File, folder, or "-" for standard input; see `segclf.corpus.read_corpus`.
        workspace: Workspace for the vectors and the corpus.
        name: Name of the corpus; None for the name of the file or folder.
        encoder_name: Name of an encoder, or several joined by "+"; None for `DEFAULT_ENCODER`.
        pooling: Pooling of the encoder; None for its default.
        device: Device of the encoder; None for the fastest one.
        precision: Precision of the encoder's matrix products.
        backend: Library that runs the encoder.
        threads: Number of CPU threads that encode; None for the number of cores.
        dtype: Data type of the stored vectors; None for the data type of the encoder's existing
            vectors, or float32 if there are none.
        options: Options for finding paragraphs and sentences; None for the defaults.
        format_name: Format of the text; "auto" to detect it.
        split: Name of one split for all documents, or shares of the splits; see
            `segclf.corpus.read_corpus`, also for None.
        keep_text: Whether to keep the sentences in the store, beside their vectors.
        replace: Whether to replace a corpus of the same name that has another text from another
            path.
        strict: Whether to raise an error for a file in a folder that cannot be read; otherwise the
            file is left out.
        progress: Whether to show a progress bar on standard error.

    Raises:
        UserError: The text cannot be read, the split is invalid, the name of the corpus is invalid
            or belongs to another text from another path, the encoder does not exist, does not suit
            the text, cannot be fitted on it or cannot be run as requested, the options cannot be
            combined, or a vector would contain NaN or infinity.
        StoreError: `dtype` differs from the data type of the encoder's existing vectors, or the
            store is damaged, read-only or of an earlier format.
    """
    check_threads(threads)
    options = options or ReadOptions()
    name = name or corpus_name(str(path))
    workspace.corpus_file(name)  # checks the name before anything is read
    choice = EncoderChoice(encoder_name, pooling, device, precision, backend, dtype)
    started = time.perf_counter()
    corpus = read_corpus(path, format_name=format_name, options=options, split=split, strict=strict)
    source = source_of(str(path))
    if not replace:
        check_source(workspace, name, [corpus], source)
    read = time.perf_counter()
    encoder = choice.load()
    encoder.check_execution()
    encoder.check_text(corpus.sentences[:SAMPLE_SENTENCES])
    fit(encoder, corpus.select("train").sentences, workspace, progress=progress)
    with workspace.embedding():
        report = encode_sentences(
            corpus.sentences,
            encoder,
            workspace.store(create=True),
            dtype=dtype,
            threads=threads,
            keep_text=keep_text,
            progress=progress,
        )
        reference = choice.reference(encoder)
        workspace.save_corpus(name, corpus, options.sentences, reference, options.language, source)
    seconds = seconds_of(started, read, report)
    return Embedded(name, corpus, report, reference, encoder.dim, seconds)


def seconds_of(started: float, read: float, report: EncodeReport) -> dict[str, float]:
    """Return the wall-clock time of a call that ends now, and of its steps; see `Embedded`.

    Args:
        started: Time at which the call began, from `time.perf_counter`.
        read: Time at which the text had been read.
        report: Report of the encoding.
    """
    return {
        "seconds": time.perf_counter() - started,
        "reading_seconds": read - started,
        "encoding_seconds": report.seconds - report.writing_seconds,
        "writing_seconds": report.writing_seconds,
    }


def source_of(path: str) -> str:
    r"""Return the source of a corpus as its file records it: "-", a URL, or an absolute path.

    Bytes of the path that are not UTF-8 are replaced with Python's escapes, such as \xff.
    """
    if path == "-" or is_url(path):
        return path
    return os.fsencode(Path(path).resolve()).decode(errors="backslashreplace")


def check_source(workspace: Workspace, name: str, parts: Iterable[Corpus], source: str) -> None:
    """Check that a corpus would not replace a corpus with another text from another path.

    Args:
        workspace: Workspace of the corpora.
        name: Name of the new corpus.
        parts: The new corpus in parts.
        source: Source of its text; see `source_of`.

    Raises:
        UserError: The corpus would replace such a corpus.
    """
    earlier = other_source(workspace.corpus_file(name), parts, source)
    if earlier:
        text = "from standard input" if earlier == "-" else f"from {earlier}"
        raise UserError(
            f"the corpus {name} was read {text}: choose another name with --name, or replace it "
            "with segtool embed --replace"
        )
