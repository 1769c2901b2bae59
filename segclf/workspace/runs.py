"""Runs: trained models with their records.

runs/RUN/run.json             options, versions, history, scores, training time
runs/RUN/weights.safetensors  the weights of the head, or the fine-tuned weights
runs/RUN/history.png          loss and scores of every epoch
runs/RUN/eval-SPLIT.json      scores, once `segclf.tasks.evaluate.evaluate` has computed them
runs/RUN/eval-SPLIT.npy       (n,) float32, the probabilities that were scored
runs/RUN/paragraph/           the head for paragraphs of a run with two heads; it is a run itself
"""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedcache import UserError
from segclf.corpus import BoundaryType
from segclf.heads.names import WINDOW
from segclf.heads.numpy_mlp import NumpyMLP
from segclf.workspace.choices import best_on_dev, match_run
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.files import warn_once
from segclf.workspace.record_files import read_record
from segclf.workspace.records import RunRecord
from segclf.workspace.weights import check_weights, load_arrays, load_weights, weight_shapes
from segclf.workspace.workspace import Workspace

if TYPE_CHECKING:
    from segclf.heads.base import BaseHead

RECORD = "run.json"
CONFIGURATION = "config.json"  # replaces run.json in a folder written by `segclf.tasks.export`
WEIGHTS = "weights.safetensors"
PLOT = "history.png"
SECOND_HEAD: BoundaryType = "paragraph"  # also the name of its folder
UNFINISHED = "unfinished.json"  # in the folder of a run that `segclf.finetune.runs` can resume
LOCK = "lock"  # file that is locked while an unfinished run is trained

_SHOWN_OPTIONS = ("head", "window", "reach", "loss", "seed")
_SHOWN = (
    "start",
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
    "workers",
)


@dataclass(frozen=True)
class Run:
    """A trained model on disk.

    Attributes:
        path: Folder of the run.
        record: Content of run.json, or of config.json of an exported run.
    """

    path: Path
    record: RunRecord

    @property
    def name(self) -> str:
        """Name of the folder, even if the path is "."."""
        return os.path.basename(os.path.abspath(self.path))

    @cached_property
    def runs(self) -> dict[BoundaryType, "Run"]:
        """The run for each type of boundary: this run and, if it has one, that of its second head.

        This run has the key "any", even if it was trained on boundaries of one type only.

        Raises:
            UserError: The record of the second head cannot be read or is damaged, or the two heads
                do not read the same vectors.
        """
        second = read_run(self.path / SECOND_HEAD)
        if second and _vectors_of(second) != _vectors_of(self):
            raise UserError(
                f"the second head of the run {self.name} needs vectors from another encoder: train "
                "the run again"
            )
        return {"any": self, SECOND_HEAD: second} if second else {"any": self}

    @property
    def is_typed(self) -> bool:
        """Whether the run distinguishes paragraphs from lines of dialogue."""
        return SECOND_HEAD in self.runs

    @property
    def kind(self) -> str:
        """Kind of the model: "head", or the name of the fine-tuned system."""
        return self.record.kind

    @property
    def encoder(self) -> EncoderReference:
        """Encoder that computed the vectors, or the model that was fine-tuned."""
        assert self.record.encoder is not None  # noqa: S101 - checked when a run is read
        return self.record.encoder

    @property
    def languages(self) -> tuple[str, ...]:
        """Code of the language that the model was trained on; empty if it is unknown."""
        known = self.record.language or self.record.text_language
        return (known,) if known else ()

    @property
    def threshold(self) -> float:
        """Minimum calibrated probability at which a sentence is predicted to begin a paragraph."""
        return self.record.threshold

    def thresholds_for(self, language: str) -> dict[BoundaryType, float]:
        """Return the threshold of each head in `runs`. It is the same for all languages."""
        return {name: run.threshold for name, run in self.runs.items()}

    @property
    def temperature(self) -> float:
        """Temperature of the calibration."""
        return self.record.temperature

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `segtool train --json` and `segtool finetune --json`."""
        content = self.record.to_dict()
        return {
            "run": self.name,
            **{name: self.record.options.get(name) for name in _SHOWN_OPTIONS},
            "context": self.record.context,
            "encoder": self.encoder.name,
            **{name: content[name] for name in _SHOWN if name in content},
            "dev_baseline": self.record.dev_baseline,
            "is_useful": self.record.is_useful,
        }

    def load_head(self) -> "BaseHead":
        """Load the head with its trained weights on the CPU, in evaluation mode.

        Raises:
            UserError: The run is a fine-tuned system, or the weights are damaged or do not fit the
                head.
        """
        if self.kind != "head":
            raise UserError(
                f"{self.name} is a fine-tuned Transformer, not a head on sentence vectors: use it "
                "with segtool segment --run"
            )
        options = self.record.training_options

        import torch

        from segclf.heads.registry import make_head

        def make() -> "BaseHead":
            return make_head(
                str(options.head), self.record.dim, window=options.window, reach=options.reach
            )

        with torch.device("meta"):  # no memory is allocated before the shapes are compared
            state = make().state_dict()
        shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
        if weight_shapes(self.path / WEIGHTS) != shapes:
            raise self._shape_error()
        check_weights(self.path / WEIGHTS, self.record.weights)
        head = make()
        head.load_state_dict(load_weights(self.path / WEIGHTS))
        head.clip_sigma = self.record.clip_sigma
        return head.eval()

    @property
    def is_mlp(self) -> bool:
        """Whether the model is a head of type mlp, which `load_numpy_mlp` loads without torch."""
        return self.kind == "head" and self.record.training_options.head == "mlp"

    def load_numpy_mlp(self) -> NumpyMLP:
        """Load a head of type mlp with its trained weights, for prediction without torch.

        Raises:
            UserError: The weights are damaged or do not fit the head.
        """
        window, clip_sigma = self.record.training_options.window, self.record.clip_sigma
        head = NumpyMLP(load_arrays(self.path / WEIGHTS), window or WINDOW, clip_sigma)
        if not head.fits(self.record.dim):
            raise self._shape_error()
        check_weights(self.path / WEIGHTS, self.record.weights)
        return head

    def _shape_error(self) -> UserError:
        return UserError(
            f"the weights of {self.name} do not fit its record, because they were changed or "
            "saved by an incompatible version of segtool: train it again"
        )


def load_run(
    workspace: Workspace, name: str | None = None, *, corpus_name: str | None = None
) -> Run:
    """Read a run.

    Args:
        workspace: Workspace of the run.
        name: Name of the run, its number in `list_runs` from 1, the beginning of its name, or the
            path of its folder; None for the best run on dev of a corpus (see
            `segclf.workspace.choices.best_on_dev`).
        corpus_name: Name of the corpus, if `name` is None; None for the latest.

    Raises:
        UserError: There is no such run, there are several, it is damaged, or its encoder is
            unknown. If `name` is None: there is no such corpus, or its file is damaged.
    """
    run = best_run(workspace, corpus_name) if name is None else find_run(workspace, name)
    if run:
        return run
    known = ", ".join(run.name for run in list_runs(workspace))
    if name is not None:
        raise UserError(f"no run {name!r} in {workspace.path}; existing runs: {known or 'none'}")
    if not known:
        raise UserError(f"nothing is trained in {workspace.path} yet: run segtool train first")
    corpus = f"the corpus {corpus_name}" if corpus_name else "the latest corpus"
    raise UserError(
        f"no run was trained on {corpus}: run segtool train, or choose a run by name: {known}"
    )


def find_run(workspace: Workspace, name: str) -> Run | None:
    """Read a run; return None if there is none. See `load_run` for the names and the errors."""
    named = read_run(workspace.runs / name) or read_run(Path(name))
    return _check_encoder(named) if named else match_run(list_runs(workspace), name)


def _check_encoder(run: Run) -> Run:
    """Return a run after checking that its encoder is known, as `Run.encoder` requires."""
    if run.record.encoder is None:
        raise UserError(
            f"{run.name} was trained on vectors from an unknown encoder: load it with "
            "BoundaryClassifier.from_pretrained"
        )
    return run


def _vectors_of(run: Run) -> tuple[str | None, int]:
    """Return the fingerprint of a run's encoder, None if it is unknown, and the vector length."""
    return run.record.identity.fingerprint, run.record.dim


def best_run(workspace: Workspace, corpus_name: str | None = None) -> Run | None:
    """Return the best run on dev of a corpus; see `segclf.workspace.choices.best_on_dev`."""
    return best_on_dev(workspace, list_runs(workspace), corpus_name)


def read_run(folder: Path) -> Run | None:
    """Read the run or exported run in a folder; return None if it lacks a record or weights.

    Raises:
        UserError: The record cannot be read; see `segclf.workspace.record_files.read_record`.
    """
    for name in (RECORD, CONFIGURATION):
        # unlike Path.exists, it accepts a name of any length
        if os.path.exists(folder / name) and os.path.exists(folder / WEIGHTS):
            return Run(folder, read_record(folder / name))
    return None


_runs_read: dict[Path, tuple[tuple[int, int], Run]] = {}
"""For each run.json that was read: its inode and time of modification, and the run."""


def list_runs(workspace: Workspace) -> list[Run]:
    """Read all runs, oldest first.

    Runs that are damaged or have an unknown encoder are skipped with a warning.
    """
    runs = []
    for path in sorted(workspace.runs.glob(f"*/{RECORD}")):
        if not path.parent.name.startswith("."):
            try:
                runs.append(_read_once(path))
            except FileNotFoundError:  # another process has just removed the run
                continue
            except UserError as error:
                warn_once(f"skipped a run: {error}")
    return sorted(runs, key=lambda run: run.record.finished)


def _read_once(path: Path) -> Run:
    """Return a run; read its record only if it has changed, since each trial lists all runs."""
    status = path.stat()
    state = status.st_ino, status.st_mtime_ns
    if path not in _runs_read or _runs_read[path][0] != state:
        _runs_read[path] = state, _check_encoder(Run(path.parent, read_record(path)))
    return _runs_read[path][1]
