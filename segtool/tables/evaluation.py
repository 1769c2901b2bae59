"""Table of the scores of a run beside those of the baselines."""

from typing import Any

from rich.table import Table

from segtool.tables.console import console, count, print_line
from segtool.tables.training import warn_if_collapsed

_HEADINGS = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "pk": "Pk",
    "window_diff": "WindowDiff",
}


def print_evaluation(content: dict[str, Any]) -> None:
    """Print the scores of a run and of the baselines."""
    table = Table(
        title=f"{content['corpus']} {content['split']}: "
        f"{count(content['sentences'], 'sentence')}, "
        f"{count(content['boundaries'], 'boundary', 'boundaries')}"
    )
    table.add_column("system", overflow="fold")
    for heading in _HEADINGS.values():
        table.add_column(heading, justify="right")
    at_half = {f"{content['run']} at threshold 0.5": content["at_half"]}
    rows = {content["run"]: content} | at_half | content["baselines"]
    for name, scores in rows.items():
        style = "bold" if name == content["run"] else None
        table.add_row(name, *(f"{scores[column]:.3f}" for column in _HEADINGS), style=style)
    console.print(table)
    print_line(
        "Pk and WindowDiff: lower is better; calibration error "
        f"{content['reliability']['expected_error']:.3f}; "
        f"prediction took {content['predict_seconds']:.2f} s",
        style="dim",
    )
    warn_if_collapsed(content)
