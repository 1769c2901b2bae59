"""Tables of many runs and of two; every one shows what the command's --json prints."""

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from segclf.experiments.leaderboard import SCORES, system_labels
from segclf.tasks.evaluate import SCORED_SPLITS

# names and ids are shown as they are: never as markup, never as the code of an emoji
_console = Console(highlight=False, markup=False, emoji=False)
_HEADINGS = {"precision": "prec.", "recall": "recall", "f1": "F1", "pk": "Pk", "window_diff": "WD"}
_FOOTNOTE = (
    "Pk and WD (WindowDiff): lower is better; s: seconds an epoch; k, M: parameters; "
    "thresholds are from dev"
)


def print_sweep(content: dict[str, Any]) -> None:
    """Print the leaderboard of a sweep."""
    if content["systems"]:
        _print_systems(content)
    labels = system_labels([failed["options"] for failed in content["failed"]])
    for failed, label in zip(content["failed"], labels, strict=True):
        _console.print(
            f"failed: {label}, seed {failed['options']['seed']}: {failed['error']}",
            style="bold red",
            soft_wrap=True,
        )
    _console.print(
        f"{content['trials']} trials: {content['done_before']} were done before, "
        f"{content['done_now']} done now, {len(content['failed'])} failed",
        soft_wrap=True,
    )


def _print_systems(content: dict[str, Any]) -> None:
    systems = content["systems"]
    table = _score_table(
        f"{content['corpus']}: mean ± standard deviation over seeds, best dev F1 first"
    )
    several = len({_encoder(system) for system in systems}) > 1
    labels = system_labels([system["options"] for system in systems])
    for system, label in zip(systems, labels, strict=True):
        encoder = f", {_encoder(system)}" if several else ""
        seconds = _seconds(system["seconds_per_epoch"]["mean"])
        seeds = "1 seed" if system["n"] == 1 else f"{system['n']} seeds"
        name = Text.assemble(
            (label + encoder, "bold"),
            f"\n{seeds}, {seconds} s, {_short(system['parameters'])}",
            *_collapse_notes(system),
        )
        _add_scores(table, name, system, _mean_and_deviation)
    _console.print(table)
    _console.print(_FOOTNOTE, style="dim")


def print_runs(content: dict[str, Any]) -> None:
    """Print every run."""
    if not content["runs"]:
        _console.print("nothing is trained yet: run segtool train first")
        return
    table = _score_table("runs, the latest last", "s", "size")
    labels = system_labels([run["options"] for run in content["runs"]])
    for run, label in zip(content["runs"], labels, strict=True):
        described = f"{_encoder(run)}, {run['corpus']}"
        name = Text.assemble(
            (run["run"], "bold"),
            f"\n{label}, seed {run['options'].get('seed')}; {described}",
            ("\ncollapsed" if run["collapsed"] else "", "bold red"),
        )
        figures = _seconds(run["seconds_per_epoch"]), _short(run["parameters"])
        _add_scores(table, name, run, lambda value: _number(value, ".3f"), *figures)
    _console.print(table)
    _console.print(_FOOTNOTE, style="dim")


def print_comparison(content: dict[str, Any]) -> None:
    """Print the differences between two runs."""
    first, second = content["runs"]
    table = Table(title=f"{content['corpus']} {content['split']}")
    for column in ("", first, second, "difference", f"{content['confidence']:.0%} interval"):
        table.add_column(column, justify="right" if column else "left")
    for name in ("f1", "pk"):
        score = content[name]
        table.add_row(
            _HEADINGS[name],
            f"{score['first']:.3f}",
            f"{score['second']:.3f}",
            f"{score['difference']:+.3f}",
            f"{score['low']:+.3f} to {score['high']:+.3f}",
        )
    _console.print(table)
    for name, better in (("f1", 1), ("pk", -1)):
        _console.print(_verdict(content, name, better), soft_wrap=True)
    _console.print(_how(content), style="dim", soft_wrap=True)


def _verdict(content: dict[str, Any], name: str, better: int) -> str:
    score = content[name]
    if not score["significant"]:
        return f"{_HEADINGS[name]}: the interval holds zero: it may be chance"
    winner = content["runs"][0 if score["difference"] * better > 0 else 1]
    return f"{_HEADINGS[name]}: {winner} is better; the interval leaves zero out"


def _how(content: dict[str, Any]) -> str:
    text = f"paired bootstrap, {content['resamples']:,} resamples of "
    if content["unit"] == "document":
        text += f"{content['units']:,} documents"
        return text + ("; so few make a rough interval" if content["few_documents"] else "")
    return text + (
        f"blocks of {content['block_length']} sentences: the split is one document, and one "
        "document cannot be resampled; the interval speaks of sentences like these, not of other "
        "documents"
    )


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
    """Add a row of two lines: dev, then test."""
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
    """Return lines with their styles."""
    notes = []
    if system["collapsed"]:
        notes.append((f"\n{system['collapsed']} of {system['n']} collapsed", "bold red"))
    for name, what in (("nowhere_at_half", "no boundary"), ("everywhere_at_half", "all boundary")):
        if system[name]:
            notes.append((f"\nat 0.5 {what}: {system[name]} of {system['n']}", "red"))
    return notes


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _seconds(value: float | None) -> str:
    return _number(value, ".2g" if value is not None and value < 10 else ",.0f")


def _short(count: int | None) -> str:
    """Write 314113 as 314k."""
    if count is None:
        return "-"
    return f"{count / 1e6:.3g}M" if count >= 1e6 else f"{count / 1e3:.3g}k"
