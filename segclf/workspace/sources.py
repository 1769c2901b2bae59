"""Trained heads from which training can start: those of ready models and of runs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from embedcache import UserError
from segclf.corpus import BoundaryType
from segclf.training.options import TrainingOptions
from segclf.workspace.ready import MODELS, ReadyModel, find_model, list_models
from segclf.workspace.records import StartRecord
from segclf.workspace.runs import RECORD, WEIGHTS, Run, find_run, list_runs
from segclf.workspace.weights import hash_weights
from segclf.workspace.workspace import Workspace

if TYPE_CHECKING:
    from segclf.training.adaptation import CalibratedHead


@dataclass(frozen=True)
class Source:
    """A trained head from which training can start.

    Attributes:
        name: Name of the ready model or the run.
        run: Run of the head.
        thresholds: Thresholds of the head by language. For other languages, the threshold of the
            run is used.
    """

    name: str
    run: Run
    thresholds: Mapping[str, float] = field(default_factory=dict)

    @property
    def options(self) -> TrainingOptions:
        """Options with which the head was trained."""
        return self.run.record.training_options

    @property
    def record(self) -> StartRecord:
        """Entry about the head in the record of a run that starts from it."""
        return StartRecord(self.name, hash_weights(self.run.path / WEIGHTS))

    def load(self, language: str) -> "CalibratedHead":
        """Load the head, with the threshold for a language.

        Raises:
            UserError: The run is a fine-tuned system, or the weights are damaged or do not fit the
                head.
        """
        from segclf.training.adaptation import CalibratedHead  # imports torch

        threshold = self.thresholds.get(language, self.run.threshold)
        return CalibratedHead(self.run.load_head(), threshold, self.run.temperature)


def source_of(model: Run | ReadyModel, boundary_type: BoundaryType) -> Source:
    """Return the head of a run or a ready model for one of the types in its `runs`."""
    thresholds: Mapping[str, float] = {}
    if isinstance(model, ReadyModel) and not model.is_typed:
        # the thresholds of a typed model were chosen for both heads together
        thresholds = model.thresholds.get(boundary_type, {})
    return Source(model.name, model.runs[boundary_type], thresholds)


def load_trained(workspace: Workspace, name: str) -> Run | ReadyModel:
    """Read a run or a ready model.

    A run of the workspace with exactly this name takes precedence over a ready model, and a ready
    model over a run that is given in another way.

    Args:
        workspace: Workspace of the runs.
        name: Name, number or path of a run (see `segclf.workspace.runs.load_run`), or name or path
            of a ready model.

    Raises:
        UserError: There is no such run or model, there are several runs, it is damaged, or the
            encoder of the run is unknown.
    """
    model = None if os.path.exists(workspace.runs / name / RECORD) else find_model(name)
    if found := model or find_run(workspace, name):
        return found
    models = ", ".join(model.name for model in list_models())
    runs = ", ".join(run.name for run in list_runs(workspace))
    raise UserError(
        f"no run or model {name!r}: the runs in {workspace.path} are {runs or 'none'}; the ready "
        f"models are {models}"
    )


def stable_name(workspace: Workspace, name: str) -> str:
    """Return a name that stands for the same model in every working directory, now and later.

    Args:
        workspace: Workspace of the runs.
        name: See `load_trained`.

    Returns:
        For a model of the package, its name, since the package may be in another folder on another
        machine. For any other model, the absolute path of its folder.

    Raises:
        UserError: See `load_trained`.
    """
    found = load_trained(workspace, name)
    if found.path == MODELS.resolve() / found.name:
        return found.name
    return str(found.path.absolute())


def find_source(
    workspace: Workspace, name: str, boundary_type: BoundaryType | None = None
) -> Source:
    """Find a trained head by the name of its run or ready model.

    Args:
        workspace: Workspace of the runs.
        name: See `load_trained`.
        boundary_type: Type of boundary that the head predicts; None for the type of a run with one
            head, or "any" for another run or a ready model.

    Raises:
        UserError: See `load_trained`; or the run is a fine-tuned Transformer, or there is no head
            for this type.
    """
    found = load_trained(workspace, name)
    check_is_head(found)
    if isinstance(found, Run) and not found.is_typed:
        check_type(found, boundary_type)
        return Source(found.name, found)
    wanted = boundary_type or "any"
    if wanted not in found.runs:
        raise UserError(
            f"the model {found.name} has no head for boundaries of type {wanted}: choose "
            f"--type {' or '.join(found.runs)}"
        )
    return source_of(found, wanted)


def check_is_head(model: Run | ReadyModel) -> None:
    """Check that training can start from a model.

    Raises:
        UserError: The model is not a head.
    """
    if isinstance(model, Run) and model.kind != "head":
        raise UserError(f"{model.name} is a fine-tuned Transformer: choose a head or a ready model")


def check_type(run: Run, boundary_type: BoundaryType | None) -> None:
    """Check that a run predicts boundaries of a type; None stands for the type of the run.

    A run that distinguishes paragraphs from lines predicts boundaries of every type.

    Raises:
        UserError: The run predicts boundaries of another type.
    """
    if not run.is_typed and boundary_type not in (None, run.record.boundary_type):
        raise UserError(
            f"{run.name} predicts boundaries of type {run.record.boundary_type}: leave out --type"
        )
