"""Runs: a trained model with everything that says how it became so.

runs/RUN/run.json             configuration, versions, history, scores, time cost
runs/RUN/weights.safetensors  the weights of the head, or of what was fine-tuned
runs/RUN/history.png          loss and scores of every epoch
runs/RUN/eval-SPLIT.json      scores, once `segclf.tasks.evaluate.evaluate` has computed them
runs/RUN/eval-SPLIT.npy       (n,) float32, the probabilities that were scored
"""

import math
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from embedcache import UserError
from embedcache.files import publish
from segclf.heads import BaseHead, Context, make_head
from segclf.scoring.calibration import calibrate
from segclf.training.epochs import Epoch
from segclf.workspace.provenance import versions
from segclf.workspace.records import created_at, read_record
from segclf.workspace.weights import load_weights, weight_shapes
from segclf.workspace.workspace import EncoderReference, StoredCorpus, Workspace, now, warn_once

RECORD = "run.json"
CONFIGURATION = "config.json"  # what stands in its place in a folder of `segclf.tasks.export`
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
