"""The record of a run: run.json, or config.json of an exported run.

The types and ranges of its fields are checked when the object is made. To read a record, see
`segclf.workspace.record_files`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.dataclasses import dataclass as checked_dataclass

from embedcache.encoders import is_fingerprint
from segclf.corpus import BoundaryType, Split
from segclf.heads.names import Context, context_of
from segclf.training.epochs import Epoch
from segclf.training.options import TrainingOptions
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.provenance import Machine

FORMAT = 3
MAX_DIM = 1 << 17  # maximum length of a vector

Kind = Literal["head", "cross-segment", "hierarchical"]
Count = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(ge=1e-9, allow_inf_nan=False)]
Option = str | bool | int | Number | None
NamedValues = dict[str, bool | Number]


@dataclass(frozen=True)
class Identity:
    """Identity of a run: on one machine, the same identity gives the same weights again.

    Attributes:
        kind: "head", or the name of the fine-tuned system.
        corpus: Digest of the corpus; the name of the corpus in records of early versions.
        fingerprint: Fingerprint of the encoder; None if it is unknown.
        options: Names and values of the options, ordered by name.
        start: Hash of the weights from which training started; None if they were random.
    """

    kind: str
    corpus: str
    fingerprint: str | None
    options: tuple[tuple[str, Option], ...]
    start: str | None = None

    @classmethod
    def of(
        cls,
        kind: str,
        corpus: str,
        fingerprint: str | None,
        options: Mapping[str, Option],
        start: str | None = None,
    ) -> "Identity":
        """Make an identity from options by name; see the attributes for the arguments."""
        return cls(kind, corpus, fingerprint, tuple(sorted(options.items())), start)

    def without_seed(self) -> "Identity":
        """Return the identity without the seed, which all runs of a system share."""
        options = {name: value for name, value in self.options if name != "seed"}
        return self.of(self.kind, self.corpus, self.fingerprint, options, self.start)


@checked_dataclass(frozen=True, config=ConfigDict(strict=True, extra="ignore"))
class SplitCounts:
    """Size of a split: numbers of documents, sentences and boundaries."""

    documents: Count
    sentences: Count
    boundaries: Count


@checked_dataclass(frozen=True, config=ConfigDict(strict=True, extra="ignore"))
class StartRecord:
    """The trained weights from which training started.

    Attributes:
        name: Name of the ready model or the run.
        weights: Hash of the file of weights; see `segclf.workspace.weights.hash_weights`.
    """

    name: str
    weights: str


@checked_dataclass(frozen=True, config=ConfigDict(strict=True, extra="ignore"))
class RunRecord:
    """The record of a run.

    Attributes:
        encoder: Encoder that computed the vectors, or the model that was fine-tuned. None for
            a head that was trained on vectors from an unknown encoder.
        options: Training options by name, including `head` and `window`.
        threshold: Minimum calibrated probability at which a sentence is predicted to begin a
            paragraph.
        temperature: Temperature of the calibration.
        kind: "head", or the name of the fine-tuned system.
        weights: Hash of the file of weights; see `segclf.workspace.weights.hash_weights`. Empty in
            records of early versions.
        start: Trained weights from which training started; None if they were random.
        created: Time at which the run was finished, in ISO 8601 format.
        corpus: Name of the corpus.
        corpus_digest: Digest of the corpus; empty in records of early versions.
        sentence_rule: Sentence rule of the corpus.
        language: Code (ISO 639-1) of the language that was set for the sentence rule; None if the
            language was guessed.
        text_language: Code of the language of the text; None in records of earlier versions.
        counts: Sizes of the splits, by name.
        dim: Length of a sentence vector, of a word vector for a head that reads words, or of a
            hidden state for a fine-tuned system.
        parameters: Number of parameters.
        trainable_parameters: Number of parameters that training may change.
        epochs: Number of epochs.
        best_epoch: Epoch whose weights were kept.
        dev: Scores on dev at the threshold.
        dev_at_half: Scores on dev at threshold 0.5; empty for a fine-tuned system. See
            `segclf.scoring.metrics.score_at_half`.
        collapsed: Whether the model predicts the same class for every dev candidate.
        seconds_per_epoch: Mean training time of an epoch.
        seconds: Training time of all epochs.
        history: Scores of every epoch, beginning with epoch 0, before training.
        clip_sigma: See `segclf.heads.base.BaseHead`.
        classes: Labels of the two classes, for a head of `BoundaryClassifier`; otherwise None.
        versions: Versions of Python and of packages, by name.
        machine: Machine on which the run was trained; None if unknown.
        workers: Number of processes that trained the head together on a cluster; None for one.
        device: Device on which the encoder was fine-tuned; None for a head.
        precision: Precision in which the encoder was fine-tuned; None for a head.
        scores: Scores by split, in an exported run that was scored.
        has_encoder: Whether the encoder's model was exported too.
        format: Version of the record format.
    """

    encoder: EncoderReference | None
    options: dict[str, Option]
    threshold: Annotated[float, Field(ge=0, le=1)]
    temperature: Positive = 1.0
    kind: Kind = "head"
    weights: str = ""
    start: StartRecord | None = None
    created: str = "1970-01-01"
    corpus: str = ""
    corpus_digest: str = ""
    sentence_rule: str = ""
    language: str | None = None
    text_language: str | None = None
    counts: dict[Split, SplitCounts] = field(default_factory=dict)
    dim: Annotated[int, Field(ge=1, le=MAX_DIM)] = 1
    parameters: Count | None = None
    trainable_parameters: Count | None = None
    epochs: Count | None = None
    best_epoch: Count | None = None
    dev: NamedValues = field(default_factory=dict)
    dev_at_half: NamedValues = field(default_factory=dict)
    collapsed: bool = False
    seconds_per_epoch: Seconds | None = None
    seconds: Seconds | None = None
    history: tuple[Epoch, ...] = ()
    clip_sigma: Positive | None = None
    classes: tuple[Any, ...] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    machine: Machine | None = None
    workers: Count | None = None
    device: str | None = None
    precision: str | None = None
    scores: dict[str, NamedValues] = field(default_factory=dict)
    has_encoder: bool = False
    format: int = FORMAT

    @field_validator("encoder", mode="before")
    @classmethod
    def _check_encoder(cls, encoder: Any) -> Any:  # noqa: ANN401
        if isinstance(encoder, dict):
            if encoder.keys() != {"name", "pooling", "fingerprint"}:
                raise ValueError("must have only a name, a pooling and a fingerprint")
            if not is_fingerprint(str(encoder["fingerprint"])):
                raise ValueError("the fingerprint must be 32 hexadecimal digits")
        return encoder

    @model_validator(mode="after")
    def _check_fields(self) -> "RunRecord":
        _ = self.finished  # raises ValueError if `created` is not a time
        if not isinstance(self.options.get("head"), str):
            raise ValueError("options: the head is missing")
        if self.encoder is not None:
            if not self.corpus or not self.sentence_rule:
                raise ValueError("the corpus or its sentence rule is missing")
            train = self.counts.get("train")
            if train is None or train.sentences <= train.documents:
                raise ValueError("counts: the size of the train split is missing")
        return self

    @property
    def finished(self) -> datetime:
        """Time at which the run was finished. A time without a time zone is in UTC."""
        created = datetime.fromisoformat(self.created)  # early versions wrote no time zone
        return created if created.tzinfo else created.replace(tzinfo=timezone.utc)

    @property
    def head(self) -> str:
        """Name of the head, or of the fine-tuned system."""
        return str(self.options["head"])

    @property
    def context(self) -> Context:
        """What the model reads: "window" or "document"."""
        return context_of(self.head)

    @property
    def has_dev_scores(self) -> bool:
        """Whether dev has a boundary to find, as it must for its scores to be defined.

        If the size of dev is unknown, as in records of early versions, it is assumed to have one.
        """
        counts = self.counts.get("dev")
        return counts is None or counts.boundaries > counts.documents

    @property
    def dev_baseline(self) -> float | None:
        """F1 on dev of predicting a boundary before every sentence.

        It is None if the scores are undefined or the size of dev is unknown. As in all scores, the
        first sentence of a document does not count.
        """
        counts = self.counts.get("dev")
        if counts is None or not self.has_dev_scores:
            return None
        boundaries = counts.boundaries - counts.documents
        return 2 * boundaries / (boundaries + counts.sentences - counts.documents)

    @property
    def is_useful(self) -> bool | None:
        """Whether dev F1 is higher than `dev_baseline`; None if either is unknown."""
        f1 = self.dev.get("f1")
        if self.dev_baseline is None or f1 is None:
            return None
        return float(f1) > self.dev_baseline

    @property
    def boundary_type(self) -> BoundaryType:
        """Type of the boundaries that the run predicts."""
        return self.training_options.boundary_type if self.kind == "head" else "any"

    @property
    def training_options(self) -> TrainingOptions:
        """Options with which the head was trained. A fine-tuned system has other options."""
        return TrainingOptions(**self.options)  # type: ignore[arg-type]

    @property
    def identity(self) -> Identity:
        """Identity of the run."""
        fingerprint = self.encoder.fingerprint if self.encoder else None
        corpus = self.corpus_digest or self.corpus
        start = self.start.weights if self.start else None
        return Identity.of(self.kind, corpus, fingerprint, self.options, start)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of run.json without its checksum.

        Empty fields are left out, except `encoder`.
        """
        empty: tuple[Any, ...] = (None, "", {}, ())
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        kept = {name for name, value in content.items() if name == "encoder" or value not in empty}
        return {name: value for name, value in asdict(self).items() if name in kept}
