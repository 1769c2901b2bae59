"""Output of `train` and `finetune`: the planned run, a line per epoch, and the finished run."""

from typing import TYPE_CHECKING, Any

from embedcache.terminal import printable
from segtool.tables.console import format_count, print_line, warn_if_collapsed

if TYPE_CHECKING:
    from segclf.finetune.runs import PlannedRun
    from segclf.training.epochs import Epoch


def print_start(start: "PlannedRun") -> None:
    """Print the run that `segtool finetune` starts or continues."""
    print_line(
        f"{'Continuing' if start.resumed else 'Training'} {start.run}: encoder "
        f"{printable(start.encoder)}, {format_count(start.parameters, 'parameter')}, "
        f"{start.trainable_parameters:,} trainable; {start.device}, {start.precision}"
    )


def print_epoch(epoch: "Epoch") -> None:
    """Print the loss and the dev scores of an epoch as one line, after the headings for epoch 0."""
    if epoch.epoch == 0:
        print_line("epoch    loss  dev precision  recall      F1  seconds")
    print_line(
        f"{epoch.epoch:5d}  {epoch.loss:6.4f}  {epoch.precision:13.3f}  {epoch.recall:6.3f}"
        f"  {epoch.f1:6.3f}  {epoch.seconds:7.2f}"
    )


def print_run(content: dict[str, Any]) -> None:
    """Print a finished run."""
    start = f", from {content['start']['name']}" if content.get("start") else ""
    workers = f", {content['workers']} workers" if "workers" in content else ""
    print_line(
        f"Run {content['run']}: {content['head']}{_input(content)}{start}{workers}, "
        f"{format_count(content['parameters'], 'parameter')}\n"
        f"Best epoch {content['best_epoch']}: dev F1 {content['dev']['f1']:.3f} at threshold "
        f"{content['threshold']:.3f}; {content['seconds_per_epoch']:.2f} s per epoch"
    )
    warn_if_collapsed(content)
    if content.get("dev_at_half", {}).get("collapsed") and not content["collapsed"]:
        print_line(
            "Warning: at threshold 0.5 this run predicts a single class. Train for longer or on "
            "more text.",
            style="red",
        )
    if content.get("is_useful") is False and not content["collapsed"]:
        print_line(
            "Warning: on dev, this run is no better than a boundary before every sentence "
            f"(F1 {content['dev_baseline']:.3f}). Train for longer or on more text, or use a ready "
            "model.",
            style="red",
        )


def _input(content: dict[str, Any]) -> str:
    documents = ", whole documents" if content["context"] == "document" else ""
    distances = (f", {name} {content[name]}" for name in ("window", "reach") if content.get(name))
    return documents + "".join(distances)
