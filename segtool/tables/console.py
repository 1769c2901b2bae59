"""The console, and the lines and number formats that tables share."""

import os
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

# names and ids are printed literally: markup and emoji codes in them are not interpreted
console = Console(highlight=False, markup=False, emoji=False)

HEADINGS = {"precision": "prec.", "recall": "recall", "f1": "F1", "pk": "Pk", "window_diff": "WD"}


def print_line(text: str, style: str | None = None) -> None:
    """Print text, wrapped at word boundaries on a terminal and unwrapped in a file or a pipe.

    If COLUMNS is set, the text is always wrapped.
    """
    is_wrapped = console.is_terminal or "COLUMNS" in os.environ
    console.print(text, style=style, soft_wrap=not is_wrapped)


def warn_if_collapsed(content: dict[str, Any]) -> None:
    """Print a warning if all predictions of a run are the same."""
    if content["collapsed"]:
        print_line(
            "Warning: this run predicts a single class. Try another loss or learning rate, or more "
            "text.",
            style="bold red",
        )


def make_table(first: str, *others: str) -> Table:
    """Make a table that fits narrow terminals, with left-aligned names and right-aligned numbers.

    Args:
        first: Heading of the column of names.
        *others: Headings of the columns of numbers.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    for heading in others:
        table.add_column(heading, justify="right", overflow="fold")
    return table


def format_count(number: int, noun: str, plural: str | None = None) -> str:
    """Format a count: "1 sentence", "1,234 sentences"."""
    return f"1 {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def format_size(size: int) -> str:
    """Format a number of bytes: "1.2 GB", "34.5 MB", "678 kB"."""
    for unit, bytes_of_unit in (("GB", 1e9), ("MB", 1e6)):
        if size >= bytes_of_unit:
            return f"{size / bytes_of_unit:,.1f} {unit}"
    return f"{size / 1e3:,.0f} kB" if size >= 1000 else f"{size} B"


def format_time(seconds: float) -> str:
    """Format a time: "45 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def print_properties(properties: dict[str, Any]) -> None:
    """Print names and values in two columns."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in properties.items():
        table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
    console.print(table)


def format_number(value: float | None, specification: str = ".3f") -> str:
    """Format a number; None becomes a dash."""
    return "-" if value is None else format(value, specification)


def describe_vectors(vectors: dict[str, Any] | None) -> str:
    """Describe the result of `segclf.tasks.statistics.stored_vectors` for an encoder."""
    if vectors is None:
        return "no vectors in the store"
    text = f"{format_count(vectors['rows'], 'vector')} stored as {vectors['dtype']}"
    return f"{text}, {describe_precisions(vectors['precisions'])}"


def describe_precisions(precisions: dict[str, int]) -> str:
    """Describe the precisions in which vectors were computed, given the number of each."""
    if len(precisions) == 1:
        return f"computed in {next(iter(precisions))}"
    return "computed in " + ", ".join(f"{name} ({rows:,})" for name, rows in precisions.items())
