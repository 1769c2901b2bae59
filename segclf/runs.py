"""Runs: a trained model with everything that says how it became so.

runs/RUN/run.json             configuration, versions, history, scores, time cost
runs/RUN/weights.safetensors  the weights of the head, or of what was fine-tuned
runs/RUN/history.png          loss and scores of every epoch
runs/RUN/eval-SPLIT.json      scores, once `segclf.evaluation.evaluate` has computed them
runs/RUN/eval-SPLIT.npy       (n,) float32, the probabilities that were scored
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from embedcache import UserError, sentence_ids
from embedcache.encoders import Encoder, Pooling, TokenEncoder
from embedcache.files import publish, scratch_folder, write_json
from embedcache.space import Vectors
from segclf.batches import Examples
from segclf.calibration import calibrate
from segclf.corpus import Corpus
from segclf.encoders import load_referenced
from segclf.heads import BaseHead, Context, make_head
from segclf.options import TrainingOptions, check_options, resolve
from segclf.pictures import draw_history
from segclf.provenance import machine, versions
from segclf.records import created_at, read_record
from segclf.training import Epoch, train_head
from segclf.weights import load_weights, save_weights, weight_shapes
from segclf.workspace import EncoderReference, StoredCorpus, Workspace, now, warn_once

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
            UserError: the weights are damaged, or not those of such a head.
        """
        options = self.record["options"]
        made = options["head"], self.record["dim"], options["window"]
        with torch.device("meta"):  # shapes alone: nothing is allocated before they are compared
            state = make_head(*made).state_dict()
        shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
        if weight_shapes(self.path / WEIGHTS) != shapes:
            raise UserError(
                f"the weights of {self.name} do not fit its record: another version of segtool "
                "made them, or its files were changed: train it again"
            )
        head = make_head(*made)
        head.load_state_dict(load_weights(self.path / WEIGHTS))
        head.clip_sigma = self.record.get("clip_sigma", math.inf)
        return head.eval()


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
        device: see `segclf.training.train_head`.
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
        "created": now(),
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
    }


def examples_of(corpus: Corpus, workspace: Workspace, encoder: EncoderReference) -> Examples:
    """Gather the vectors of a corpus, or of one split of it.

    Raises:
        StoreError: the store lacks the encoder or a sentence.
        UserError: the vectors of the words, which the store does not keep, are not to be had.
    """
    store, ids = workspace.store(), sentence_ids(corpus.sentences)
    columns = [store.space(part.fingerprint).vectors(ids) for part in encoder.parts]
    words = load_referenced(encoder) if columns[0].dtype == np.int32 else None
    return join_vectors(corpus, columns, words)


def join_vectors(corpus: Corpus, columns: Sequence[Vectors], words: Encoder | None) -> Examples:
    """Make examples of the vectors that one or several encoders give to a corpus of n sentences.

    Args:
        corpus: the sentences, with their labels.
        columns: (n, d) float32 of each encoder; or of one alone (n, l) int32, the rows of words.
        words: the encoder of words that gave int32 vectors.
    """
    if columns[0].dtype == np.int32:
        assert isinstance(words, TokenEncoder)  # noqa: S101 - no other stores int32
        rows = columns[0].astype(np.int32, copy=False)
        return Examples.of_words(rows, words.vectors.matrix, corpus.layout)
    if len(columns) > 1:
        columns = [np.concatenate(columns, axis=1, dtype=np.float32)]
    return Examples(columns[0], corpus.layout)


def load_run(workspace: Workspace, name: str | None = None) -> Run:
    """Read a run.

    Args:
        workspace: where it is.
        name: of the run, or the path of its folder; by default the latest run.

    Raises:
        UserError: there is none (of this name), it is damaged, or it was trained on vectors alone.
    """
    if name is None:
        present = list_runs(workspace)
        if not present:
            raise UserError(f"nothing is trained in {workspace.path} yet: run segtool train first")
        return present[-1]
    for path in (workspace.runs / name, Path(name)):
        if run := read_run(path):
            if run.record["encoder"] is None:
                raise UserError(
                    f"{run.name} was trained on vectors of an unknown encoder: read it with "
                    "BoundaryClassifier.from_pretrained"
                )
            return run
    known = ", ".join(run.name for run in list_runs(workspace))
    raise UserError(f"no run {name!r} in {workspace.path}; it has: {known or 'none'}")


def read_run(folder: Path) -> Run | None:
    """Read the run, or the exported run, in a folder; None where there is none.

    Raises:
        UserError: its record is damaged.
    """
    for name in (RECORD, CONFIGURATION):
        if (folder / name).exists() and (folder / WEIGHTS).exists():
            return Run(folder, read_record(folder / name))
    return None


def list_runs(workspace: Workspace) -> list[Run]:
    """Read all runs, the latest last; damaged ones are skipped with a warning."""
    runs = []
    for path in sorted(workspace.runs.glob(f"*/{RECORD}")):
        if not path.parent.name.startswith("."):
            status = path.stat()
            try:
                runs.append(_read_unchanged(path, status.st_ino, status.st_mtime_ns))
            except UserError as error:
                warn_once(f"skipped a run: {error}")
    return sorted(runs, key=lambda run: created_at(run.record))


@cache
def _read_unchanged(path: Path, inode: int, changed: int) -> Run:
    """Read a run; a sweep asks for all of them at each of its trials."""
    return Run(path.parent, read_record(path))


def publish_run(content: Path, runs: Path, name: str) -> Path:
    """Give a folder in a scratch folder of the runs the first free name, NAME-001 or higher."""
    number = 0
    while True:
        number += 1
        path = runs / f"{name}-{number:03d}"
        if path.exists():
            continue
        try:
            publish(content, path)
        except OSError:
            if not path.exists():  # else another process took the name
                raise
        else:
            return path


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
