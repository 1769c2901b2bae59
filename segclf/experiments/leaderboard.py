"""Scores of runs, and mean scores of systems over their seeds."""

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

from segclf.scoring.metrics import SCORE_NAMES
from segclf.tasks.evaluation_files import SCORED_SPLITS, read_evaluation
from segclf.workspace.records import Identity, RunRecord
from segclf.workspace.runs import Run

_ROW_FIELDS = (
    "created",
    "corpus",
    "parameters",
    "epochs",
    "best_epoch",
    "seconds_per_epoch",
    "threshold",
)
_IN_BASE_LABEL = {"head", "window", "reach", "sides", "context", "loss", "gamma", "seed", "start"}


def run_row(run: Run) -> dict[str, Any]:
    """Return the settings, the training time and the scores of a run.

    Returns:
        `run`, `created`, `corpus`, `encoder`, `pooling`, `options`, `parameters`, `epochs`,
        `best_epoch`, `seconds_per_epoch`, `machine`, `threads` and `threshold`; `dev` and `test`,
        the scores at the threshold (None for scores that were not computed or are undefined);
        `at_half`, by split, the scores at threshold 0.5 and whether all predictions are the same;
        and `collapsed`, whether all predictions on dev at the threshold are the same.
    """
    record = run.record
    row = {name: getattr(record, name) for name in _ROW_FIELDS}
    scored = {split: read_evaluation(run, split) or {} for split in SCORED_SPLITS}
    at_half = {split: scored[split].get("at_half", {}) for split in SCORED_SPLITS}
    scored["dev"] = {**record.dev, **scored["dev"]} if record.has_dev_scores else {}
    at_half["dev"] = {**record.dev_at_half, **at_half["dev"]}
    return {
        "run": run.name,
        **row,
        "encoder": run.encoder.name,
        "pooling": run.encoder.pooling,
        "options": shown_options(record),
        "machine": str(record.machine) if record.machine else None,
        "threads": record.machine.threads if record.machine else None,
        **{
            split: {name: scored[split].get(name) for name in SCORE_NAMES}
            for split in SCORED_SPLITS
        },
        "at_half": {
            split: {name: at_half[split].get(name) for name in (*SCORE_NAMES, "collapsed")}
            for split in SCORED_SPLITS
        },
        "collapsed": record.collapsed,
    }


def shown_options(record: RunRecord) -> dict[str, Any]:
    """Return the options of a run and, as `start`, the name of the run or model it started from."""
    return record.options | ({"start": record.start.name} if record.start else {})


def leaderboard(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Group runs that differ only in the seed into systems, highest mean F1 on dev first.

    Args:
        runs: Runs. Of several runs of a system with the same seed, only the last one counts.

    Returns:
        For each system `corpus`, `encoder`, `pooling`, `options` (without the seed), `n` (number
        of seeds), `seeds`, `runs`, `parameters`, `machines` and `threads`; `mean` and `std` (sample
        standard deviation, None for a single run) of `seconds_per_epoch` and of the scores in
        `dev`, `test` and `at_half`; and the numbers of runs that predict the same class for every
        dev candidate: `collapsed` at the chosen threshold, `nowhere_at_half` (no boundary) and
        `everywhere_at_half` (a boundary before every sentence) at threshold 0.5.
    """
    groups: dict[Identity, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.record.identity.without_seed(), []).append(run)
    systems = [_system([run_row(run) for run in group]) for group in groups.values()]
    return sorted(systems, key=lambda system: -(system["dev"]["f1"]["mean"] or 0.0))


def system_labels(options: Sequence[dict[str, Any]]) -> list[str]:
    """Name systems by their main options, and by other options that tell them apart.

    Args:
        options: Options of each system by name.

    Returns:
        One name for each system, in the same order. It contains the head, the window (or the sides
        or the reach), the loss (unless it is cross-entropy) and the start, and the options in which
        systems with the same values of these differ.
    """
    bases = [_base_label(system_options) for system_options in options]
    values: dict[str, dict[str, set[str]]] = {base: {} for base in bases}
    for base, system_options in zip(bases, options, strict=True):
        for name, value in system_options.items():
            values[base].setdefault(name, set()).add(repr(value))
    return [
        ", ".join(
            [base]
            + [
                f"{name.replace('_', ' ')} {_format_value(value)}"
                for name, value in system_options.items()
                if name not in _IN_BASE_LABEL and len(values[base][name]) > 1
            ]
        )
        for base, system_options in zip(bases, options, strict=True)
    ]


def _base_label(options: dict[str, Any]) -> str:
    """Return the first part of a name of `system_labels`: the main options of a system."""
    parts = [options["head"]]
    if options.get("sides"):
        parts.append(options["sides"].replace(":", " "))
    elif options.get("window") is not None:
        parts.append(f"window {options['window']}")
    elif options.get("reach") is not None:
        parts.append(f"reach {options['reach']}")
    loss = options.get("loss", "cross-entropy")
    if loss == "focal":
        parts.append(f"focal {options['gamma']:g}")
    elif loss != "cross-entropy":
        parts.append(loss)
    if options.get("start"):
        parts.append(f"from {options['start']}")
    return ", ".join(parts)


def _format_value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _system(all_rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Summarize the last run of each seed of a system, given the rows of all its runs."""
    by_seed = {row["options"].get("seed"): row for row in all_rows}
    seeds = sorted(by_seed, key=lambda seed: (seed is not None, seed or 0))
    rows = [by_seed[seed] for seed in seeds]
    first = rows[0]
    return {
        **{name: first[name] for name in ("corpus", "encoder", "pooling", "parameters")},
        "options": {name: value for name, value in first["options"].items() if name != "seed"},
        "n": len(rows),
        "seeds": seeds,
        "runs": [row["run"] for row in rows],
        "machines": sorted({row["machine"] for row in rows if row["machine"]}),
        "threads": sorted({row["threads"] for row in rows if row["threads"]}),
        "seconds_per_epoch": _spread([row["seconds_per_epoch"] for row in rows]),
        **{
            split: {name: _spread([row[split][name] for row in rows]) for name in SCORE_NAMES}
            for split in SCORED_SPLITS
        },
        "at_half": {
            split: {
                name: _spread([row["at_half"][split][name] for row in rows]) for name in SCORE_NAMES
            }
            for split in SCORED_SPLITS
        },
        "collapsed": sum(bool(row["collapsed"]) for row in rows),
        "nowhere_at_half": sum(_collapsed_at_half(row, 0.0) for row in rows),
        "everywhere_at_half": sum(_collapsed_at_half(row, 1.0) for row in rows),
    }


def _collapsed_at_half(row: dict[str, Any], recall: float) -> bool:
    """Return whether a run predicts the same given class for every dev candidate at threshold 0.5.

    Args:
        row: Row of the run.
        recall: The class, given by its recall: 0 for no boundary, 1 for a boundary.
    """
    dev = row["at_half"]["dev"]
    return bool(dev["collapsed"]) and dev["recall"] == recall


def _spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Return the mean and the sample standard deviation of the values that are not None.

    Each of the two is None if there are too few values.
    """
    known = [value for value in values if value is not None]
    return {
        "mean": fmean(known) if known else None,
        "std": stdev(known) if len(known) > 1 else None,
    }
