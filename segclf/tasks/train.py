"""Train a head on an embedded corpus."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from embedcache.encoders import Pooling
from embedcache.files import scratch_folder, write_json
from segclf.heads import BaseHead
from segclf.training.epochs import Epoch
from segclf.training.loop import train_head
from segclf.training.options import TrainingOptions, check_options, resolve
from segclf.workspace.plots import draw_history
from segclf.workspace.provenance import machine
from segclf.workspace.runs import RECORD, WEIGHTS, Run, publish_run, record_of
from segclf.workspace.vectors import examples_of
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
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Run:
    """Train a head on an embedded corpus and keep it as a run.

    Args:
        workspace: that the corpus was embedded into.
        options: how to train.
        corpus_name: by default the corpus embedded last.
        encoder_name: by default the encoder that embedded it last.
        pooling: of the encoder, where it embedded the corpus with more than one.
        device: see `segclf.training.loop.train_head`.
        threads: likewise.
        on_epoch: called after each epoch.

    Raises:
        UserError: nothing is embedded, the options do not fit, or there is no such device.
    """
    options = options or TrainingOptions()
    check_options(options)  # a mistake is told before anything is loaded
    options = resolve(options)
    stored = workspace.load_corpus(corpus_name)
    encoder = stored.encoder(encoder_name, pooling)
    parts = {
        split: examples_of(stored.corpus.select(split), workspace, encoder)
        for split in ("train", "dev")
    }
    trained = train_head(
        parts["train"], parts["dev"], options, on_epoch, device=device, threads=threads
    )
    parameters = sum(p.numel() for p in trained.head.parameters())
    record = {
        **record_of(stored, encoder, trained.history, trained.best, trained.collapsed),
        "machine": machine(device, threads),
        "kind": "head",
        "dim": parts["train"].dim,
        "options": asdict(options),
        "parameters": parameters,
        "trainable_parameters": parameters,
        "dev_at_half": trained.at_half,
        "clip_sigma": trained.head.clip_sigma,
    }
    return _save(workspace.runs, record, trained.head)


def _save(runs: Path, record: dict[str, Any], head: BaseHead) -> Run:
    options = record["options"]
    name = (
        options["head"] if options["window"] is None else f"{options['head']}-w{options['window']}"
    )
    runs.mkdir(parents=True, exist_ok=True)
    with scratch_folder(runs) as scratch:
        save_weights(scratch / WEIGHTS, head.state_dict())
        draw_history(record, scratch / "history.png")
        write_json(scratch / RECORD, record, indent=1)
        return Run(publish_run(scratch, runs, name), record)
