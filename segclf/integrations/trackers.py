"""Experiment trackers: TensorBoard, MLflow, trackio and Weights & Biases show finished runs."""

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, get_args

from embedcache import UserError
from embedcache.packages import check_installed

if TYPE_CHECKING:
    from segclf.workspace.runs import Run
    from segclf.workspace.workspace import Workspace

TrackerName = Literal["tensorboard", "mlflow", "trackio", "wandb"]
_PROJECT = "segtool"


def check_tracker(name: TrackerName) -> None:
    """Check that the package of a tracker is installed.

    Raises:
        UserError: There is no such tracker, or its package is missing.
    """
    if name not in _LOGGERS:
        choices = ", ".join(get_args(TrackerName))
        raise UserError(f"unknown tracker {name!r}: choose from {choices}")
    check_installed(f"--log-to {name}", name, {name: name})


def log_run(name: TrackerName, run: "Run", workspace: "Workspace") -> None:
    """Log the options, the scores of every epoch and the final scores on dev of a finished run.

    For TensorBoard, they are written to the folder `tensorboard` of the workspace. The environment
    variables of the other clients determine where these clients store them.

    Args:
        name: Name of the tracker.
        run: Finished run.
        workspace: Workspace of the run.

    Raises:
        UserError: There is no such tracker, its package is missing, or the client cannot log the
            run. The run itself is not affected.
    """
    check_tracker(name)
    try:
        _LOGGERS[name](run, workspace)
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).split("\n", 1)[0]
        raise UserError(
            f"the run {run.name} is saved, but {name} cannot log it: {reason}"
        ) from error


def _options(run: "Run") -> dict[str, Any]:
    """Return corpus, encoder, kind and options of a run by name, without options that are None."""
    record = run.record
    facts = {"corpus": record.corpus, "encoder": run.encoder.name, "kind": record.kind}
    given = {name: value for name, value in record.options.items() if value is not None}
    return {**facts, **given}


def _epochs(run: "Run") -> list[tuple[int, dict[str, float]]]:
    """Return the number of every epoch, and its loss and its scores on dev by name."""
    names = ("loss", "precision", "recall", "f1")
    return [
        (epoch.epoch, {name: getattr(epoch, name) for name in names})
        for epoch in run.record.history
    ]


def _final(run: "Run") -> dict[str, float]:
    """Return the scores on dev of the epoch that was kept."""
    return {f"dev_{name}": float(value) for name, value in run.record.dev.items()}


def _log_to_tensorboard(run: "Run", workspace: "Workspace") -> None:
    from torch.utils.tensorboard import SummaryWriter

    folder = workspace.tensorboard / run.name
    shutil.rmtree(folder, ignore_errors=True)  # left by a removed run of the same name
    with SummaryWriter(str(folder)) as writer:
        for epoch, scores in _epochs(run):
            for name, value in scores.items():
                writer.add_scalar(name, value, epoch)
        options = {name: _simple(value) for name, value in _options(run).items()}
        writer.add_hparams(options, _final(run), run_name=".")


def _log_to_mlflow(run: "Run", _: "Workspace") -> None:
    import mlflow

    mlflow.set_experiment(_PROJECT)
    with mlflow.start_run(run_name=run.name):
        mlflow.log_params(_options(run))
        for epoch, scores in _epochs(run):
            mlflow.log_metrics(scores, step=epoch)
        mlflow.log_metrics(_final(run))


def _log_to_trackio(run: "Run", _: "Workspace") -> None:
    import trackio

    _log_steps(trackio.init(project=_PROJECT, name=run.name, config=_options(run)), run)


def _log_to_wandb(run: "Run", _: "Workspace") -> None:
    import wandb

    _log_steps(wandb.init(project=_PROJECT, name=run.name, config=_options(run)), run)


def _log_steps(tracked: Any, run: "Run") -> None:  # noqa: ANN401
    """Log the scores of a run to a run of trackio or Weights & Biases."""
    try:
        for epoch, scores in _epochs(run):
            tracked.log(scores, step=epoch)
        tracked.log(_final(run))
    finally:  # the client keeps an unfinished run open for what is logged next
        tracked.finish()


def _simple(value: Any) -> str | int | float:  # noqa: ANN401
    return value if isinstance(value, str | int | float) else str(value)


_LOGGERS: dict[str, Callable[["Run", "Workspace"], None]] = {
    "tensorboard": _log_to_tensorboard,
    "mlflow": _log_to_mlflow,
    "trackio": _log_to_trackio,
    "wandb": _log_to_wandb,
}
