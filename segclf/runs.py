"""Runs: a trained model with everything that says how it became so.

runs/RUN/run.json             configuration, versions, history, scores, time cost
runs/RUN/weights.safetensors  the weights of the head, or of what was fine-tuned
runs/RUN/eval-SPLIT.json      scores, once `segclf.evaluation.evaluate` has computed them
"""

import json
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from embedcache import UserError, load_encoder, sentence_ids
from embedcache.encoders import TransformerEncoder
from segclf.batches import Examples
from segclf.corpus import Corpus
from segclf.heads import BaseHead, Context, make_head
from segclf.training import Epoch, TrainingOptions, train_head
from segclf.workspace import EncoderReference, StoredCorpus, Workspace, write_json

_PACKAGES = ("segtool", "torch", "numpy", "scikit-learn", "sentence-transformers", "transformers")


@dataclass(frozen=True)
class Run:
    """A trained model on disk.

    Attributes:
        path: its folder.
        record: what run.json holds.
    """

    path: Path
    record: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def kind(self) -> str:
        """The word "head", or which system was fine-tuned."""
        return str(self.record.get("kind", "head"))

    @property
    def context(self) -> Context:
        """What it reads before it decides; a window where the run does not say."""
        context: Context = self.record["options"].get("context", "window")
        return context

    @property
    def encoder(self) -> EncoderReference:
        """Whose vectors it was trained on, or which model it was fine-tuned from."""
        return EncoderReference(**self.record["encoder"])

    @property
    def threshold(self) -> float:
        """The probability at which a paragraph begins, from dev."""
        return float(self.record["threshold"])

    def to_dict(self) -> dict[str, Any]:
        """Return what `segtool train --json` and `segtool finetune --json` print."""
        record = self.record
        options = {name: record["options"][name] for name in ("head", "window", "loss", "seed")}
        same = (
            "corpus",
            "parameters",
            "trainable_parameters",
            "epochs",
            "best_epoch",
            "dev",
            "threshold",
            "collapsed",
            "seconds_per_epoch",
            "seconds",
        )
        return {
            "run": self.name,
            **options,
            "context": self.context,
            "encoder": record["encoder"]["name"],
            **{name: record[name] for name in same if name in record},
        }

    def load_encoder(self) -> TransformerEncoder:
        """Make the encoder that it was trained with.

        Raises:
            UserError: the encoder has changed since.
        """
        encoder = load_encoder(self.encoder.name, pooling=self.encoder.pooling)
        if encoder.fingerprint != self.encoder.fingerprint:
            raise UserError(
                f"the encoder {encoder.name} is not the one that {self.name} was trained with: "
                "its weights or settings have changed; embed and train again"
            )
        return encoder

    def load_head(self) -> BaseHead:
        """Make the head with its trained weights."""
        options = self.record["options"]
        head = make_head(options["head"], self.record["dim"], options["window"], self.context)
        head.load_state_dict(load_file(self.path / "weights.safetensors"))
        return head.eval()


def train(
    workspace: Workspace,
    options: TrainingOptions | None = None,
    *,
    corpus_name: str | None = None,
    encoder_name: str | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Run:
    """Train a head on an embedded corpus and keep it as a run.

    Args:
        workspace: that the corpus was embedded into.
        options: how to train.
        corpus_name: by default the corpus embedded last.
        encoder_name: by default the encoder that embedded it last.
        on_epoch: called after each epoch.

    Raises:
        UserError: nothing is embedded, or the options do not fit.
    """
    options = options or TrainingOptions()
    # a mistake is told before anything is loaded
    make_head(options.head, 1, options.window, options.context)
    stored = workspace.load_corpus(corpus_name)
    encoder = stored.encoder(encoder_name)
    parts = {
        split: examples_of(stored.corpus.select(split), workspace, encoder)
        for split in ("train", "dev")
    }
    trained = train_head(parts["train"], parts["dev"], options, on_epoch)
    parameters = sum(p.numel() for p in trained.head.parameters())
    record = {
        **record_of(stored, encoder, trained.history, trained.best, trained.collapsed),
        "kind": "head",
        "dim": parts["train"].vectors.shape[1],
        "options": asdict(options) | {"window": trained.head.window},
        "parameters": parameters,
        "trainable_parameters": parameters,
    }
    return _save(workspace.runs, record, trained.head)


def record_of(
    stored: StoredCorpus,
    encoder: EncoderReference,
    history: list[Epoch],
    best: Epoch,
    collapsed: bool,
) -> dict[str, Any]:
    """Return what every run's record holds, whatever was trained."""
    seconds = [epoch.seconds for epoch in history[1:]]
    return {
        "format": 1,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "corpus": stored.name,
        "sentence_rule": stored.sentence_rule,
        "counts": stored.corpus.counts(),
        "encoder": asdict(encoder),
        "epochs": len(seconds),
        "best_epoch": best.epoch,
        "threshold": best.threshold,
        "dev": {name: getattr(best, name) for name in ("precision", "recall", "f1")},
        "collapsed": collapsed,
        "seconds_per_epoch": sum(seconds) / len(seconds),
        "seconds": sum(seconds),
        "history": [asdict(epoch) for epoch in history],
        "versions": {name: version(name) for name in _PACKAGES}
        | {"python": platform.python_version()},
    }


def examples_of(corpus: Corpus, workspace: Workspace, encoder: EncoderReference) -> Examples:
    """Gather the vectors of a corpus, or of one split of it.

    Raises:
        StoreError: the store lacks the encoder or a sentence.
    """
    space = workspace.store().space(encoder.fingerprint)
    return Examples(space.vectors(sentence_ids(corpus.sentences)), corpus.labels, corpus.offsets)


def load_run(workspace: Workspace, name: str | None = None) -> Run:
    """Read a run.

    Args:
        workspace: where it is.
        name: of the run, or the path of its folder; by default the latest run.

    Raises:
        UserError: there is none (of this name).
    """
    present = sorted(workspace.runs.glob("*/run.json"), key=lambda path: path.stat().st_mtime_ns)
    if name is None and not present:
        raise UserError(f"nothing is trained in {workspace.path} yet: run segtool train first")
    candidates = [workspace.runs / name, Path(name)] if name else [present[-1].parent]
    for path in candidates:
        if (path / "run.json").exists():
            return Run(path, json.loads((path / "run.json").read_text(encoding="utf-8")))
    known = ", ".join(path.parent.name for path in present)
    raise UserError(f"no run {name!r} in {workspace.path}; it has: {known or 'none'}")


def _save(runs: Path, record: dict[str, Any], head: BaseHead) -> Run:
    options = record["options"]
    reads = "document" if options["context"] == "document" else f"w{options['window']}"
    runs.mkdir(parents=True, exist_ok=True)
    scratch = runs / f".{os.getpid()}.tmp"
    try:
        scratch.mkdir()
        save_file(head.state_dict(), scratch / "weights.safetensors")
        write_json(scratch / "run.json", record, indent=1)
        number = 1
        while True:
            path = runs / f"{options['head']}-{reads}-{number:03d}"
            try:
                os.rename(scratch, path)  # fails where a run is already
                return Run(path, record)
            except OSError:
                if not path.exists():
                    raise
                number += 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
