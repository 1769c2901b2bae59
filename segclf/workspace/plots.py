"""Plot of a run: loss and scores of every epoch."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from segclf.workspace.records import RunRecord

LOSS_COLOR = "#4c566a"
SCORE_STYLES = {
    "f1": ("F1", "#b8442f"),
    "precision": ("precision", "#3a6ea5"),
    "recall": ("recall", "#6a9a4b"),
}


def draw_history(record: "RunRecord", path: Path) -> None:
    """Plot the training history of a run to a PNG file.

    Args:
        record: Record of the run.
        path: File to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow import, 0.3 s
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6))  # no automatic layout, which would take half of the time
    FigureCanvasAgg(figure)
    figure.suptitle(_title(record.options), fontsize=11)
    margins = {"left": 0.08, "right": 0.985, "bottom": 0.14, "top": 0.88, "wspace": 0.18}
    loss, scores = figure.subplots(1, 2, gridspec_kw=margins)
    before, *epochs = record.history
    numbers = [epoch.epoch for epoch in epochs]
    losses = [epoch.loss for epoch in epochs]
    loss.plot(numbers, losses, color=LOSS_COLOR, marker="o", label="train")
    loss.plot(0, before.loss, "o", color=LOSS_COLOR, fillstyle="none", label="dev, before training")
    loss.set_ylabel("loss")
    loss.set_ylim(bottom=0)
    for name, (label, color) in SCORE_STYLES.items():
        values = [getattr(epoch, name) for epoch in record.history]
        scores.plot([0, *numbers], values, color=color, marker="o", label=label)
    scores.set_ylabel("dev, at the best threshold")
    scores.set_ylim(0, 1)
    for axes in (loss, scores):
        _style(axes, record.best_epoch or 0)
    figure.savefig(path, dpi=110)


def _style(axes: "Axes", best: int) -> None:
    """Mark the best epoch, and set the style that both plots share."""
    axes.axvline(best, color="0.6", linewidth=1, linestyle=":", label="best epoch")
    axes.set_xlabel("epoch")
    axes.locator_params(axis="x", integer=True)
    axes.margins(x=0.03)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9")
    axes.legend(frameon=False, fontsize=8)


def _title(options: Mapping[str, object]) -> str:
    """Return a list of the main options.

    Names that users choose are left out, because the font may lack some of their characters.
    """
    parts = [str(options["head"])]
    for name in ("window", "reach", "loss", "learning_rate", "seed"):
        if options.get(name) is not None:
            parts.append(f"{name.replace('_', ' ')} {options[name]}")
    return ", ".join(parts)
