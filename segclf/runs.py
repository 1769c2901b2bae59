"""Runs: a trained model with everything that says how it became so.

runs/RUN/run.json             configuration, versions, history, scores, time cost
runs/RUN/weights.safetensors  the weights of the head, or of what was fine-tuned
runs/RUN/history.png          loss and scores of every epoch
runs/RUN/eval-SPLIT.json      scores, once `segclf.evaluation.evaluate` has computed them
runs/RUN/eval-SPLIT.npy       (n,) float32, the probabilities that were scored
"""

import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save_file

from embedcache import UserError, sentence_ids
from embedcache.encoders import Pooling, TokenEncoder
from segclf.batches import Examples
from segclf.calibration import calibrate
from segclf.corpus import Corpus
from segclf.encoders import load_referenced
from segclf.heads import BaseHead, Context, make_head
from segclf.options import TrainingOptions, check_options, resolve
from segclf.pictures import draw_history
from segclf.provenance import machine, versions
from segclf.training import Epoch, train_head
from segclf.workspace import EncoderReference, StoredCorpus, Workspace, scratch_folder, write_json

RECORD = "run.json"
CONFIGURATION = "config.json"  # what stands in its place in a folder of `segclf.sharing`
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Run:
    """A trained model on disk.

    Attributes:
        path: its folder.
        record: what run.json holds, or config.json of an exported run.
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

    @property
    def temperature(self) -> float:
        """What calibrates its probabilities, from dev; 1 where the run does not say."""
        return float(self.record.get("temperature", 1.0))

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
            "dev_at_half",
            "threshold",
            "temperature",
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

    def load_head(self) -> BaseHead:
        """Make the head with its trained weights.

        Raises:
            UserError: the head is made otherwise since.
        """
        options = self.record["options"]
        head = make_head(options["head"], self.record["dim"], options["window"])
        try:
            head.load_state_dict(load_file(self.path / WEIGHTS))
        except RuntimeError as error:
            raise UserError(
                f"{self.name} was trained by another version of segtool, whose head "
                f"{options['head']} was made otherwise: train it again"
            ) from error
        head.clip_sigma = self.record.get("clip_sigma", math.inf)
        return head.eval()


def train(
    workspace: Workspace,
    options: TrainingOptions | None = None,
    *,
    corpus_name: str | None = None,
    encoder_name: str | None = None,
    pooling: Pooling | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Run:
    """Train a head on an embedded corpus and keep it as a run.

    Args:
        workspace: that the corpus was embedded into.
        options: how to train.
        corpus_name: by default the corpus embedded last.
        encoder_name: by default the encoder that embedded it last.
        pooling: of the encoder, where it embedded the corpus with more than one.
        on_epoch: called after each epoch.

    Raises:
        UserError: nothing is embedded, or the options do not fit.
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
    trained = train_head(parts["train"], parts["dev"], options, on_epoch)
    parameters = sum(p.numel() for p in trained.head.parameters())
    record = {
        **record_of(stored, encoder, trained.history, trained.best, trained.collapsed),
        "kind": "head",
        "dim": parts["train"].dim,
        "options": asdict(options),
        "parameters": parameters,
        "trainable_parameters": parameters,
        "dev_at_half": trained.at_half,
        "clip_sigma": trained.head.clip_sigma,
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
        "corpus_digest": stored.digest,
        "sentence_rule": stored.sentence_rule,
        "language": stored.language,
        "counts": stored.corpus.counts(),
        "encoder": asdict(encoder),
        "epochs": len(seconds),
        "best_epoch": best.epoch,
        "threshold": float(calibrate(np.float32(best.threshold), best.temperature)),
        "temperature": best.temperature,
        "dev": {name: getattr(best, name) for name in ("precision", "recall", "f1")},
        "collapsed": collapsed,
        "seconds_per_epoch": sum(seconds) / len(seconds),
        "seconds": sum(seconds),
        "history": [asdict(epoch) for epoch in history],
        "versions": versions(),
        "machine": machine(),
    }


def examples_of(corpus: Corpus, workspace: Workspace, encoder: EncoderReference) -> Examples:
    """Gather the vectors of a corpus, or of one split of it.

    Raises:
        StoreError: the store lacks the encoder or a sentence.
        UserError: the vectors of the words, which the store does not keep, are not to be had.
    """
    store, ids = workspace.store(), sentence_ids(corpus.sentences)
    columns = [store.space(part.fingerprint).vectors(ids) for part in encoder.parts]
    vectors = columns[0]
    if vectors.dtype == np.float32:
        joined = vectors if len(columns) == 1 else np.concatenate(columns, axis=1, dtype=np.float32)
        return Examples(joined, corpus.layout)
    words = load_referenced(encoder)
    assert isinstance(words, TokenEncoder)  # noqa: S101 - no other stores int32
    rows = vectors.astype(np.int32, copy=False)
    return Examples.of_words(rows, words.vectors.matrix, corpus.layout)


def load_run(workspace: Workspace, name: str | None = None) -> Run:
    """Read a run.

    Args:
        workspace: where it is.
        name: of the run, or the path of its folder; by default the latest run.

    Raises:
        UserError: there is none (of this name), or it was trained on vectors alone.
    """
    present = _records(workspace)
    if name is None and not present:
        raise UserError(f"nothing is trained in {workspace.path} yet: run segtool train first")
    candidates = [workspace.runs / name, Path(name)] if name is not None else [present[-1].parent]
    for path in candidates:
        if run := read_run(path):
            if run.record["encoder"] is None:
                raise UserError(
                    f"{run.name} was trained on vectors and does not know whose: take it with "
                    "BoundaryClassifier.from_pretrained"
                )
            return run
    known = ", ".join(path.parent.name for path in present)
    raise UserError(f"no run {name!r} in {workspace.path}; it has: {known or 'none'}")


def read_run(folder: Path) -> Run | None:
    """Read the run, or the exported run, in a folder; None where there is none."""
    for name in (RECORD, CONFIGURATION):
        if (folder / name).exists() and (folder / WEIGHTS).exists():
            return _read(folder / name)
    return None


def list_runs(workspace: Workspace) -> list[Run]:
    """Read all runs, the latest last."""
    return [_read(path) for path in _records(workspace)]


def _records(workspace: Workspace) -> list[Path]:
    kept = (p for p in workspace.runs.glob(f"*/{RECORD}") if not p.parent.name.startswith("."))
    return sorted(kept, key=lambda path: path.stat().st_mtime_ns)


def _read(path: Path) -> Run:
    return Run(path.parent, _with_current_names(json.loads(path.read_text(encoding="utf-8"))))


def _with_current_names(record: dict[str, Any]) -> dict[str, Any]:
    """Replace names that earlier versions used in records."""
    if "farthest" in record:
        record["clip_sigma"] = record.pop("farthest")
    options = record["options"]
    if (options["head"], options.get("context")) == ("bilstm", "document"):
        options["head"] = "document-bilstm"
    return record


def _save(runs: Path, record: dict[str, Any], head: BaseHead) -> Run:
    options = record["options"]
    name = (
        options["head"] if options["window"] is None else f"{options['head']}-w{options['window']}"
    )
    runs.mkdir(parents=True, exist_ok=True)
    with scratch_folder(runs) as scratch:
        save_file(head.state_dict(), scratch / WEIGHTS)
        draw_history(record, scratch / "history.png")
        write_json(scratch / RECORD, record, indent=1)
        number = 1
        while True:
            path = runs / f"{name}-{number:03d}"
            try:
                os.rename(scratch, path)  # fails where a run is already
                return Run(path, record)
            except OSError:
                if not path.exists():
                    raise
                number += 1
