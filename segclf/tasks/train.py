"""Train a head on an embedded corpus."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from embedcache import UserError
from embedcache.encoders import Pooling
from segclf.training.adaptation import adaptation_options, check_architecture
from segclf.training.data_parallel import SINGLE_PROCESS, Workers
from segclf.training.epochs import Epoch
from segclf.training.loop import train_head
from segclf.training.options import TrainingOptions
from segclf.workspace.corpora import EncoderReference, StoredCorpus
from segclf.workspace.new_runs import NewRun, new_record, save_run
from segclf.workspace.provenance import machine
from segclf.workspace.ready import model_for
from segclf.workspace.runs import Run
from segclf.workspace.sources import Source, find_source
from segclf.workspace.vectors import training_examples
from segclf.workspace.workspace import Workspace

FEW_SENTENCES = 1000
"""Number of training sentences up to which training should start from a ready model."""


def train(
    workspace: Workspace,
    options: TrainingOptions | None = None,
    *,
    start: str | None = None,
    corpus_name: str | None = None,
    encoder_name: str | None = None,
    pooling: Pooling | None = None,
    device: str = "cpu",
    threads: int = 1,
    memory: float | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    progress: bool = False,
) -> Run:
    """Train a head on an embedded corpus and save it as a run.

    Args:
        workspace: Workspace of the corpus.
        options: Training options; None for the defaults, which depend on `start`.
        start: Ready model or run from whose weights training starts, by name or path; None for
            random weights. See `segclf.workspace.sources.find_source`.
        corpus_name: Name of the corpus; None for the latest.
        encoder_name: Name of the encoder that computed the vectors; None for the latest, or for
            the encoder of `start`.
        pooling: Pooling of the encoder; None to choose it as
            `segclf.workspace.corpora.StoredCorpus.encoder` does, or for that of `start`.
        device: Device for training; see `segclf.training.loop.train_head`.
        threads: Number of CPU threads.
        memory: Maximum size of the vectors in memory, in gigabytes; see
            `segclf.workspace.vectors.training_examples`. It does not affect the result, except for
            rounding errors in the mean of the vectors.
        on_epoch: Function that is called after each epoch, and before training with epoch 0.
        progress: Whether to show progress bars on standard error.

    Raises:
        UserError: There is no such corpus, it is not embedded with the encoder, the head cannot be
            trained on the vectors or the splits, the loss is not finite, the device does not exist,
            `threads` is out of range, `start` does not exist or is incompatible with the options or
            the encoder, `memory` is negative, or the vectors exceed `memory` and the disk is full.
        StoreError: The store lacks a vector of the corpus.
    """
    chosen = choose_inputs(workspace, options, start, corpus_name, encoder_name, pooling)
    new = train_on(
        workspace,
        chosen.stored,
        chosen.encoder,
        chosen.options,
        source=chosen.source,
        device=device,
        threads=threads,
        memory=memory,
        on_epoch=on_epoch,
        progress=progress,
    )
    return save_run(workspace.runs, new)


@dataclass(frozen=True)
class TrainingInputs:
    """What a head is trained on, with the defaults of `train` filled in.

    Attributes:
        stored: Corpus.
        encoder: Encoder of the vectors.
        options: Training options.
        source: Trained head from which training starts; None for random weights.
    """

    stored: StoredCorpus
    encoder: EncoderReference
    options: TrainingOptions
    source: Source | None


def choose_inputs(
    workspace: Workspace,
    options: TrainingOptions | None,
    start: str | None,
    corpus_name: str | None,
    encoder_name: str | None,
    pooling: Pooling | None,
) -> TrainingInputs:
    """Find the inputs of training; `train` describes the arguments and the errors."""
    stored = workspace.load_corpus(corpus_name)
    source = None
    if start is not None:
        source = find_source(workspace, start, options.boundary_type if options else None)
        options = options or adaptation_options(source.options, {})
    encoder = _choose_encoder(stored, source, encoder_name, pooling)
    return TrainingInputs(stored, encoder, options or TrainingOptions(), source)


def options_from(workspace: Workspace, start: str, given: Mapping[str, Any]) -> TrainingOptions:
    """Return the options for training that starts from a ready model or a run.

    Args:
        workspace: Workspace of the runs.
        start: See `train`.
        given: Options by name that are set explicitly, such as "boundary_type".

    Raises:
        UserError: `start` does not exist, or an option is incompatible with it.
    """
    source = find_source(workspace, start, given.get("boundary_type"))
    return adaptation_options(source.options, given)


def suggest_start(workspace: Workspace, run: Run) -> str | None:
    """Return the name of a ready model, if training from it would probably give better scores.

    The result is None unless the run was trained from random weights on at most `FEW_SENTENCES`
    sentences, and a ready model has the same language and encoder and predicts the same type of
    boundary. `docs/adaptation.md` compares training from random weights with training from a ready
    model.

    Raises:
        UserError: The corpus of the run does not exist or is damaged.
    """
    if run.record.start or run.record.counts["train"].sentences > FEW_SENTENCES:
        return None
    model = model_for(workspace.load_corpus(run.record.corpus).text_language)
    if model is None or model.encoder.fingerprint != run.encoder.fingerprint:
        return None
    return model.name if run.record.boundary_type in model.runs else None


def _choose_encoder(
    stored: StoredCorpus, source: Source | None, name: str | None, pooling: Pooling | None
) -> EncoderReference:
    if source is None:
        return stored.encoder(name, pooling)
    encoder = stored.encoder_of(source.name, source.run.encoder)
    if name not in (None, encoder.name) or pooling not in (None, encoder.pooling):
        raise UserError(
            f"{source.name} needs vectors from {encoder.name}: leave out --encoder and --pooling"
        )
    return encoder


def train_on(
    workspace: Workspace,
    stored: StoredCorpus,
    encoder: EncoderReference,
    options: TrainingOptions,
    *,
    source: Source | None = None,
    device: str = "cpu",
    threads: int = 1,
    memory: float | None = None,
    workers: Workers = SINGLE_PROCESS,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    progress: bool = False,
) -> NewRun:
    """Train a head on a corpus that is already loaded, without saving it; see `train`.

    Processes that train a head together each call this function; see `Workers`.
    """
    # with a source, the type is allowed: it is that of the head from which training starts
    if options.boundary_type != "any" and not stored.corpus.is_typed and source is None:
        raise UserError(
            f"the boundaries of the corpus {stored.name} have no types: leave out --type, or embed "
            "the text with --boundary typed"
        )
    stored = replace(stored, corpus=stored.corpus.of_type(options.boundary_type))
    if source:
        check_architecture(source.options, asdict(options))
    examples, dev = training_examples(
        stored.corpus.select("train"),
        stored.corpus.select("dev"),
        workspace,
        encoder,
        memory,
        progress=progress,
    )
    trained = train_head(
        examples,
        dev,
        options,
        on_epoch,
        start=source.load(stored.text_language) if source else None,
        device=device,
        threads=threads,
        workers=workers,
        progress=progress,
    )
    parameters = sum(p.numel() for p in trained.head.parameters())
    record = new_record(
        stored,
        encoder,
        trained.history,
        trained.best,
        start=source.record if source else None,
        collapsed=trained.collapsed,
        dev_at_half=trained.at_half,
        machine=machine(device, threads),
        dim=examples.dim,
        options=asdict(options),
        parameters=parameters,
        trainable_parameters=parameters,
        clip_sigma=trained.head.clip_sigma,
        workers=workers.count if workers.count > 1 else None,
    )
    return NewRun(record, trained.head)
