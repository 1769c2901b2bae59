"""Tables of many runs: the list of runs, and the leaderboard of a sweep."""

from collections.abc import Callable
from typing import Any

from rich.table import Table
from rich.text import Text

from segclf.experiments.leaderboard import SCORES, system_labels
from segclf.tasks.evaluate import SCORED_SPLITS
from segtool.tables.console import console, count, number, print_line

_HEADINGS = {"precision": "prec.", "recall": "recall", "f1": "F1", "pk": "Pk", "window_diff": "WD"}
_FOOTNOTE = (
    "Pk and WD (WindowDiff): lower is better. s: seconds per epoch. k, M: parameters. "
    "Thresholds are chosen on the dev split."
)


def print_sweep(content: dict[str, Any]) -> None:
    """Print the leaderboard of a sweep, and the runs that failed."""
    if content["systems"]:
        _print_systems(content)
    labels = system_labels([failed["options"] for failed in content["failed"]])
    for failed, label in zip(content["failed"], labels, strict=True):
        print_line(
            f"Failed: {label}, seed {failed['options']['seed']}: {failed['error']}",
            style="bold red",
        )
    work = (
        (content["done_now"], "trained"),
        (content["done_before"], "reused"),
        (len(content["failed"]), "failed"),
    )
    done = ", ".join(f"{runs:,} {what}" for runs, what in work if runs)
    print_line(f"{count(content['trials'], 'run')}: {done}")


def _print_systems(content: dict[str, Any]) -> None:
    systems = content["systems"]
    table = _score_table(
        f"{content['corpus']}: mean ± standard deviation over seeds, ranked by dev F1"
    )
    several = len({_encoder(system) for system in systems}) > 1
    labels = system_labels([system["options"] for system in systems])
    for system, label in zip(systems, labels, strict=True):
        encoder = f", {_encoder(system)}" if several else ""
        seconds = _seconds(system["seconds_per_epoch"]["mean"])
        name = Text.assemble(
            (label + encoder, "bold"),
            f"\n{count(system['n'], 'seed')}, {seconds} s, {_short(system['parameters'])}",
            *_collapse_notes(system),
        )
        _add_scores(table, name, system, _mean_and_deviation)
    console.print(table)
    console.print(_FOOTNOTE, style="dim")


def print_runs(content: dict[str, Any]) -> None:
    """Print all runs with their scores."""
    if not content["runs"]:
        print_line("No runs yet. Train one with segtool train.")
        return
    table = _score_table("Runs, the latest last", "s", "size")
    labels = system_labels([run["options"] for run in content["runs"]])
    for run, label in zip(content["runs"], labels, strict=True):
        described = f"{_encoder(run)}, {run['corpus']}"
        name = Text.assemble(
            (run["run"], "bold"),
            f"\n{label}, seed {run['options'].get('seed')}; {described}",
            ("\ncollapsed" if run["collapsed"] else "", "bold red"),
        )
        figures = _seconds(run["seconds_per_epoch"]), _short(run["parameters"])
        _add_scores(table, name, run, number, *figures)
    console.print(table)
    console.print(_FOOTNOTE, style="dim")


def _score_table(title: str, *more: str) -> Table:
    table = Table(title=title, box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("system", overflow="fold", ratio=1)
    table.add_column("")
    for column in (*(_HEADINGS[name] for name in SCORES), *more):
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _add_scores(
    table: Table,
    name: Text,
    row: dict[str, Any],
    show: Callable[[Any], str],
    *more: str,
) -> None:
    """Add a row with the scores on dev above those on test."""
    cells = ["\n".join(show(row[split][score]) for split in SCORED_SPLITS) for score in SCORES]
    table.add_row(name.append("\n"), "\n".join(SCORED_SPLITS), *cells, *more)


def _encoder(row: dict[str, Any]) -> str:
    return " ".join(filter(None, (row["encoder"], row["pooling"])))


def _mean_and_deviation(figure: dict[str, float | None]) -> str:
    if figure["mean"] is None:
        return "-"
    deviation = "" if figure["std"] is None else f"±{figure['std']:.3f}".replace("0.", ".")
    return f"{figure['mean']:.3f}{deviation}"


def _collapse_notes(system: dict[str, Any]) -> list[tuple[str, str]]:
    """List notes on runs that predict a single class, with their styles."""
    notes = []
    if system["collapsed"]:
        notes.append((f"\n{system['collapsed']} of {system['n']} collapsed", "bold red"))
    for name, what in (
        ("nowhere_at_half", "no boundaries"),
        ("everywhere_at_half", "boundaries only"),
    ):
        if system[name]:
            notes.append((f"\n{what} at 0.5: {system[name]} of {system['n']}", "red"))
    return notes


def _seconds(value: float | None) -> str:
    return number(value, ".2g" if value is not None and value < 10 else ",.0f")


def _short(parameters: int | None) -> str:
    """Format 314113 as 314k."""
    if parameters is None:
        return "-"
    return f"{parameters / 1e6:.3g}M" if parameters >= 1e6 else f"{parameters / 1e3:.3g}k"
