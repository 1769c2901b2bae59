"""Stage one on a corpus: read it, encode what is new, remember it in the workspace."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from embedcache import EncodeReport, UserError, encode_sentences, load_encoder
from embedcache.encoders import Pooling, Precision
from embedcache.encoders.threads import limit_threads
from segclf.corpus import Corpus, ReadOptions, read_corpus
from segclf.workspace.encoders import DEFAULT_ENCODER, fit
from segclf.workspace.workspace import EncoderReference, Workspace

_SAMPLE = 1000  # sentences with which the encoder is checked


@dataclass(frozen=True)
class Embedded:
    """A corpus whose every sentence has a vector in the store.

    Attributes:
        name: of the corpus in the workspace.
        corpus: its text.
        report: what stage one did.
        encoder: whose vectors they are.
        dim: length of a vector.
    """

    name: str
    corpus: Corpus
    report: EncodeReport
    encoder: EncoderReference
    dim: int

    def to_dict(self) -> dict[str, Any]:
        """Return what `segtool embed --json` prints."""
        return {
            "corpus": self.name,
            "sentences": self.report.sentences,
            "unique": self.report.unique,
            "encoded": self.report.encoded,
            "cached": self.report.cached,
            "truncated": self.report.truncated,
            "headings_removed": self.corpus.headings_removed,
            "boundaries_read": dict(self.corpus.boundaries_read),
            "splits": self.corpus.counts(),
            "encoder": self.encoder.name,
            "fingerprint": self.encoder.fingerprint,
            "dim": self.dim,
            "seconds": round(self.report.seconds, 3),
        }


def embed(
    path: str | Path,
    workspace: Workspace,
    *,
    name: str | None = None,
    encoder_name: str | None = None,
    pooling: Pooling | None = None,
    device: str | None = None,
    precision: Precision = "auto",
    threads: int | None = None,
    dtype: Literal["float32", "float16"] | None = None,
    options: ReadOptions | None = None,
    format_name: str = "auto",
    split: str | None = None,
    progress: bool = False,
) -> Embedded:
    """Read a corpus and see to it that the store has a vector of every sentence.

    The corpus is remembered once all of it is encoded; if that is stopped, what was encoded is kept
    and the same call goes on from there.

    Args:
        path: file, folder, or "-"; see `segclf.corpus.read_corpus`.
        workspace: where store and corpus are kept.
        name: of the corpus; by default the file's or folder's.
        encoder_name: Name of the encoder, see `embedcache.load_encoder`; None for
            `segclf.workspace.encoders.DEFAULT_ENCODER`.
        pooling: likewise.
        device: likewise.
        precision: likewise.
        threads: that a CPU encodes with; None for torch's own number.
        dtype: how the store keeps numbers; None for float32 where it has none of the encoder yet.
        options: layout and sentence rule.
        format_name: see `segclf.corpus.read_corpus`.
        split: likewise.
        progress: show a bar on standard error.

    Raises:
        UserError: the text cannot be read, there is no such encoder, nothing to fit it on, or a
            pooling without an encoder.
    """
    if pooling is not None and encoder_name is None:
        raise UserError(
            f"--pooling {pooling}: name the --encoder that it is for; the default, "
            f"{DEFAULT_ENCODER}, has its own"
        )
    options = options or ReadOptions()
    name = name or _corpus_name(path)
    if Path(name).name != name:
        raise UserError(f"a corpus cannot be called {name!r}: take a plain word")
    encoder_name = encoder_name or DEFAULT_ENCODER
    corpus = read_corpus(path, format_name=format_name, options=options, split=split)
    encoder = load_encoder(encoder_name, pooling=pooling, device=device, precision=precision)
    if dtype and encoder.storage_dtype:
        raise UserError(
            f"--dtype {dtype}: the vectors of {encoder_name} are always stored as "
            f"{encoder.storage_dtype}; leave out --dtype"
        )
    encoder.check_text(corpus.sentences[:_SAMPLE])
    with limit_threads(threads):
        fit(encoder, corpus.select("train").sentences, workspace, progress=progress)
        store = workspace.store(create=True)
        report = encode_sentences(corpus.sentences, encoder, store, dtype=dtype, progress=progress)
    reference = EncoderReference(encoder_name, pooling, encoder.fingerprint)
    workspace.save_corpus(name, corpus, options.sentences, reference, options.language)
    return Embedded(name, corpus, report, reference, encoder.dim)


def _corpus_name(path: str | Path) -> str:
    if str(path) == "-":
        return "stdin"
    place = Path(path).resolve()
    return place.name if place.is_dir() else place.stem
