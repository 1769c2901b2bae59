"""Tables of runs: the list of runs, a single run, and the leaderboard and estimate of a sweep.

Names of runs and systems are long, so each name is printed on its own line, above the scores.
"""

from collections.abc import Callable, Sequence
from typing import Any

from segclf.experiments.leaderboard import system_labels
from segclf.scoring.metrics import SCORE_NAMES
from segclf.tasks.evaluation_files import SCORED_SPLITS
from segtool.tables.console import (
    HEADINGS,
    console,
    format_count,
    format_number,
    format_size,
    format_time,
    print_line,
    print_properties,
)

_COLUMN = 7  # width of a score
_WIDE_COLUMN = 11  # width of a mean with its standard deviation
_FOOTNOTE = "\nPk and WD (WindowDiff): lower is better. Thresholds are chosen on the dev split."


def print_sweep(content: dict[str, Any]) -> None:
    """Print the leaderboard of a sweep, and the runs that failed."""
    systems, failures = content["systems"], content["failed"]
    labels = _labels([*systems, *failures])
    if systems:
        _print_systems(content, labels[: len(systems)])
    for failed, label in zip(failures, labels[len(systems) :], strict=True):
        print_line(
            f"Failed: {label}, seed {failed['options']['seed']}: {failed['error']}",
            style="bold red",
        )
    counts = (
        (content["done_now"], "trained"),
        (content["done_before"], "reused"),
        (len(failures), "failed"),
    )
    done = ", ".join(f"{runs:,} {result}" for runs, result in counts if runs)
    print_line(f"{format_count(content['trials'], 'run')}: {done}")


def _labels(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return labels of systems and failed trials, with encoders if there is more than one."""
    # a trial that names no encoder uses the latest encoder of the corpus
    encoders = {_encoder(row) for row in rows if row["encoder"]}
    labels = system_labels([row["options"] for row in rows])
    if len(encoders) < 2:
        return labels
    return [", ".join(filter(None, pair)) for pair in zip(labels, map(_encoder, rows), strict=True)]


def _print_systems(content: dict[str, Any], labels: Sequence[str]) -> None:
    print_line(f"{content['corpus']}: mean ± standard deviation over seeds, ranked by dev F1\n")
    _print_headings(_WIDE_COLUMN)
    for system, label in zip(content["systems"], labels, strict=True):
        print_line(f"\n{label}", style="bold")
        seeds = format_count(system["n"], "seed")
        print_line(f"{seeds}, {_cost(system, system['seconds_per_epoch']['mean'])}")
        for note in _collapse_notes(system):
            print_line(note, style="red")
        _print_scores(system, _mean_and_deviation, _WIDE_COLUMN)
    print_line(_FOOTNOTE, style="dim")


def print_estimate(content: dict[str, Any]) -> None:
    """Print the number of runs of a sweep, and the estimated time."""
    missing = content["trials"] - content["done"]
    print_line(
        f"{format_count(content['trials'], 'run')}: {content['done']:,} already trained, "
        f"{missing:,} to train, {content['jobs']} at a time"
    )
    if content["corpus"] is None:
        print_line("The time can be estimated only after the corpus is embedded.")
    elif content["unknown"] == missing > 0:
        print_line("The time cannot be estimated: there is no earlier run of these heads.")
    elif content["unknown"]:
        print_line(
            f"About {format_time(content['seconds'])}, estimated from earlier runs, not counting "
            f"{format_count(content['unknown'], 'run')} of heads that have no earlier run"
        )
    elif missing:
        print_line(f"About {format_time(content['seconds'])}, estimated from earlier runs")


def print_runs(content: dict[str, Any]) -> None:
    """Print all runs with their scores."""
    if not content["runs"]:
        print_line("No runs yet. Train a head with segtool train.")
        return
    _print_headings(_COLUMN)
    labels = system_labels([run["options"] for run in content["runs"]])
    for run, label in zip(content["runs"], labels, strict=True):
        default = " (used by default)" if run["is_default"] else ""
        print_line(f"\n{run['number']}. {run['run']}{default}", style="bold")
        print_line(f"{label}, seed {run['options'].get('seed')}; {_encoder(run)}, {run['corpus']}")
        print_line(_cost(run, run["seconds_per_epoch"]))
        if run["collapsed"]:
            print_line("predicts a single class", style="bold red")
        _print_scores(run, format_number, _COLUMN)
    _print_footnote(content["runs"])
    if content["unfinished"]:
        names = ", ".join(content["unfinished"])
        print_line(f"Unfinished: {names}. To continue a run, repeat its command.")


def print_run(content: dict[str, Any]) -> None:
    """Print one run with its options and scores."""
    options = {
        name.replace("_", " "): value
        for name, value in content["options"].items()
        if value is not None and name not in ("start", "boundary_type")
    }
    print_properties(
        {
            "run": content["run"],
            "created": content["created"][:19].replace("T", " "),
            "corpus": content["corpus"],
            "encoder": _encoder(content),
            "boundaries": ", ".join(content["types"]),
            "started from": content["start"] or "random weights",
            "options": ", ".join(f"{name} {value}" for name, value in options.items()),
            "parameters": content["parameters"],
            "epochs": f"{content['epochs']}, the best is {content['best_epoch']}",
            "seconds": f"{_seconds(content['seconds'])}, {_seconds(content['seconds_per_epoch'])} "
            "per epoch",
            "threshold": f"{content['threshold']:.3f}",
            "machine": content["machine"] or "unknown",
            "folder": content["path"],
            "size": format_size(content["bytes"]),
        }
    )
    print_line("")
    _print_headings(_COLUMN)
    _print_scores(content, format_number, _COLUMN)
    _print_footnote([content])


def _print_headings(width: int) -> None:
    console.print(" " * 4 + "".join(f"{HEADINGS[name]:>{width}}" for name in SCORE_NAMES))


def _print_scores(row: dict[str, Any], format_score: Callable[[Any], str], width: int) -> None:
    for split in SCORED_SPLITS:
        scores = "".join(f"{format_score(row[split][name]):>{width}}" for name in SCORE_NAMES)
        console.print(f"{split:4}{scores}")


def _print_footnote(runs: Sequence[dict[str, Any]]) -> None:
    print_line(_FOOTNOTE, style="dim")
    if any(run[split]["pk"] is None for run in runs for split in SCORED_SPLITS):
        print_line("A dash: not scored yet (see segtool eval).", style="dim")


def _encoder(row: dict[str, Any]) -> str:
    return " ".join(filter(None, (row["encoder"], row["pooling"])))


def _cost(row: dict[str, Any], seconds: float | None) -> str:
    return f"{_short(row['parameters'])} parameters, {_seconds(seconds)} s per epoch"


def _mean_and_deviation(statistic: dict[str, float | None]) -> str:
    if statistic["mean"] is None:
        return "-"
    deviation = "" if statistic["std"] is None else f"±{statistic['std']:.3f}".replace("0.", ".")
    return f"{statistic['mean']:.3f}{deviation}"


def _collapse_notes(system: dict[str, Any]) -> list[str]:
    """Describe how many runs of a system predict a single class at their threshold or at 0.5."""
    predictions = (
        ("collapsed", "a single class"),
        ("nowhere_at_half", "no boundaries at threshold 0.5"),
        ("everywhere_at_half", "a boundary before every sentence at threshold 0.5"),
    )
    return [
        f"{system[name]} of {format_count(system['n'], 'run')} "
        f"{'predicts' if system[name] == 1 else 'predict'} {prediction}"
        for name, prediction in predictions
        if system[name]
    ]


def _seconds(value: float | None) -> str:
    return format_number(value, ".2g" if value is not None and value < 10 else ",.0f")


def _short(parameters: int | None) -> str:
    """Format a number of parameters: "314k", "1.2M"; None becomes a dash."""
    if parameters is None:
        return "-"
    return f"{parameters / 1e6:.3g}M" if parameters >= 1e6 else f"{parameters / 1e3:.3g}k"
