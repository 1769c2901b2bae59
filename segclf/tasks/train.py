"""Train a head on an embedded corpus."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from embedcache import UserError
from embedcache.encoders import Pooling
from embedcache.files import scratch_folder, write_json
from segclf.heads.base import BaseHead
from segclf.training.epochs import Epoch
from segclf.training.loop import train_head
from segclf.training.options import TrainingOptions
from segclf.workspace.corpora import EncoderReference, StoredCorpus
from segclf.workspace.plots import draw_history
from segclf.workspace.provenance import machine
from segclf.workspace.records import RunRecord
from segclf.workspace.runs import PLOT, RECORD, WEIGHTS, Run, new_record, publish_run
from segclf.workspace.vectors import training_examples
from segclf.workspace.weights import save_weights
from segclf.workspace.workspace import Workspace


def train(
    workspace: Workspace,
    options: TrainingOptions | None = None,
    *,
    corpus_name: str | None = None,
    encoder_name: str | None = None,
    pooling: Pooling | None = None,
    device: str = "cpu",
    threads: int = 1,
    memory: float | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Run:
    """Train a head on an embedded corpus and save it as a run.

    Args:
        workspace: Workspace of the corpus.
        options: Training options; None for the defaults.
        corpus_name: Name of the corpus; None for the latest.
        encoder_name: Name of the encoder that computed the vectors; None for the latest.
        pooling: Pooling of the encoder; None for its only or latest pooling.
        device: Device for training; see `segclf.training.loop.train_head`.
        threads: Number of CPU threads.
        memory: Maximum size of the vectors in memory, in gigabytes; see
            `segclf.workspace.vectors.training_examples`. It changes nothing but the rounding of
            the mean of the vectors.
        on_epoch: Function that is called after each epoch, and before training with epoch 0.

    Raises:
        UserError: Nothing is embedded, the head cannot be trained on the vectors or the splits,
            the device does not exist, or `memory` is negative or exceeded and the disk is full.
    """
    stored = workspace.load_corpus(corpus_name)
    return train_on(
        workspace,
        stored,
        stored.encoder(encoder_name, pooling),
        options or TrainingOptions(),
        device=device,
        threads=threads,
        memory=memory,
        on_epoch=on_epoch,
    )


def train_on(
    workspace: Workspace,
    stored: StoredCorpus,
    encoder: EncoderReference,
    options: TrainingOptions,
    *,
    device: str = "cpu",
    threads: int = 1,
    memory: float | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Run:
    """Train a head on a corpus that is already loaded; see `train`."""
    if options.boundary_type != "any" and not stored.corpus.is_typed:
        raise UserError(
            f"the boundaries of the corpus {stored.name} have no types: omit --type, or embed the "
            "text with --boundary typed"
        )
    stored = replace(stored, corpus=stored.corpus.of_type(options.boundary_type))
    examples, dev = training_examples(
        stored.corpus.select("train"), stored.corpus.select("dev"), workspace, encoder, memory
    )
    trained = train_head(examples, dev, options, on_epoch, device=device, threads=threads)
    parameters = sum(p.numel() for p in trained.head.parameters())
    record = new_record(
        stored,
        encoder,
        trained.history,
        trained.best,
        collapsed=trained.collapsed,
        dev_at_half=trained.at_half,
        machine=machine(device, threads),
        dim=examples.dim,
        options=asdict(options),
        parameters=parameters,
        trainable_parameters=parameters,
        clip_sigma=trained.head.clip_sigma,
    )
    return _save(workspace.runs, record, options, trained.head)


def _save(runs: Path, record: RunRecord, options: TrainingOptions, head: BaseHead) -> Run:
    name = str(options.head)
    if options.window is not None:
        name += f"-w{options.window}"
    if options.reach is not None:
        name += f"-r{options.reach}"
    runs.mkdir(parents=True, exist_ok=True)
    with scratch_folder(runs) as scratch:
        save_weights(scratch / WEIGHTS, head.state_dict())
        draw_history(record, scratch / PLOT)
        write_json(scratch / RECORD, record.to_dict(), indent=1)
        return Run(publish_run(scratch, runs, name), record)
