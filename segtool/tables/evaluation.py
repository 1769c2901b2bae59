"""Tables of the scores of a run or a ready model, and of the baselines."""

from typing import Any

from rich.table import Table

from segclf.scoring.baselines import DESCRIPTIONS
from segtool.tables.console import (
    HEADINGS,
    console,
    format_count,
    make_table,
    print_line,
    warn_if_collapsed,
)


def print_evaluation(content: dict[str, Any]) -> None:
    """Print the scores of a run, or of a ready model, and of the baselines."""
    print_line(
        f"{content['corpus']} {content['split']}: "
        f"{format_count(content['sentences'], 'sentence')}, "
        f"{format_count(content['boundaries'], 'boundary', 'boundaries')}"
    )
    table = make_table("system", *HEADINGS.values())
    baselines = {DESCRIPTIONS[name]: scores for name, scores in content["baselines"].items()}
    rows = {content["run"]: content, "at threshold 0.5": content["at_half"], **baselines}
    for name, scores in rows.items():
        style = "bold" if name == content["run"] else None
        table.add_row(name, *(f"{scores[column]:.3f}" for column in HEADINGS), style=style)
    console.print(table)
    if types := content.get("types"):
        console.print(_types_table(types))
    print_line(
        "Pk and WD (WindowDiff): lower is better. Expected calibration error "
        f"{content['reliability']['expected_error']:.3f}. "
        f"Prediction took {content['predict_seconds']:.2f} s.",
        style="dim",
    )
    warn_if_collapsed(content)


def _types_table(types: dict[str, Any]) -> Table:
    """Make a table of the scores for each type of boundary."""
    table = make_table("type", "boundaries", *HEADINGS.values())
    for name, scores in types.items():
        columns = (f"{scores[column]:.3f}" for column in HEADINGS)
        table.add_row(name, f"{scores['boundaries']:,}", *columns)
    return table
