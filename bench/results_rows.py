"""What the page of results has rows of: experiments' systems and fine-tuned ones."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from embedcache import UserError
from segclf.grids import Experiment, Trial, settings_of
from segclf.leaderboard import leaderboard, system_labels
from segclf.runs import Run
from segclf.sweeps import SCORED, find_runs
from segclf.workspace import StoredCorpus, Workspace

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Row:
    """A system on the page.

    Attributes:
        name: for people.
        encoder: whose vectors it reads, or that is fine-tuned; "" where that is not known yet.
        command: that runs it.
        system: what `segclf.leaderboard.leaderboard` says of it; None if it is not run yet.
        pair: whether it is the fine-tuned pair that the heads are compared with.
    """

    name: str
    encoder: str
    command: str
    system: dict[str, Any] | None
    pair: bool = False


def experiment_rows(
    path: Path, plan: Experiment, workspace: Workspace, stored: StoredCorpus | None
) -> list[Row]:
    """Return a row for each system of an experiment, with the command that runs it alone."""
    groups: dict[Trial, list[Trial]] = {}
    for trial in plan.trials:
        groups.setdefault(replace(trial, options=replace(trial.options, seed=0)), []).append(trial)
    labels = system_labels([asdict(trial.options) for trial in groups])
    return [
        Row(
            label,
            " ".join(filter(None, (trials[0].encoder, trials[0].pooling))),
            f"segtool sweep experiments/{path.name}{_selection(trials[0], plan.trials)}",
            _system_of(trials, workspace, stored),
        )
        for label, trials in zip(labels, groups.values(), strict=True)
    ]


def finetuned_rows(runs: Sequence[Run]) -> list[Row]:
    """Return a row for each system of `bench/finetuned.toml`."""
    plan = finetuned_plan()
    rows = []
    for system in plan["system"]:
        own = [run for run in runs if is_run_of(run, system["options"])]
        board: list[dict[str, Any] | None] = [*leaderboard(own)] or [None]
        command = full_command(plan, system)
        labels = system_labels([found["options"] for found in board if found]) or [""]
        for label, found in zip(labels, board, strict=True):
            name = f"{system['name']}: {label}" if len(board) > 1 else system["name"]
            encoder = found["encoder"] if found else ""
            rows.append(Row(name, encoder, command, found, pair=system.get("pair", False)))
    return rows


def finetuned_plan() -> dict[str, Any]:
    """Read `bench/finetuned.toml`."""
    return read_toml("finetuned.toml")


def full_command(plan: dict[str, Any], system: dict[str, Any]) -> str:
    """Return the line that embeds the corpus, fine-tunes a system and scores it."""
    scores = [f"segtool eval --split {split}" for split in SCORED]
    return " && ".join([plan["embed"], system["command"], *scores])


def is_run_of(run: Run, options: dict[str, Any]) -> bool:
    """Say whether a run has these options."""
    return all(run.record["options"].get(name) == value for name, value in options.items())


def _system_of(
    trials: Sequence[Trial], workspace: Workspace, stored: StoredCorpus | None
) -> dict[str, Any] | None:
    if stored is None:
        return None
    try:
        found = leaderboard(list(find_runs(workspace, trials, stored).values()))
    except UserError:  # the encoder has not encoded the corpus yet
        return None
    return found[0] if found else None


def _selection(trial: Trial, trials: Sequence[Trial]) -> str:
    """Return the options that select a trial, whatever its seed, among those of its file."""
    everything = [settings_of(other) for other in trials]
    text = ""
    for name, value in settings_of(trial).items():
        if name == "seed" or (name == "gamma" and trial.options.loss != "focal"):
            continue
        if len({repr(settings[name]) for settings in everything}) > 1:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            known = name in ("head", "window", "loss", "gamma", "learning_rate", "encoder")
            option = f"--{name.replace('_', '-')} {shlex.quote(shown)}"
            text += f" {option if known else f'--set {name}={shlex.quote(shown)}'}"
    return text


def read_toml(name: str) -> dict[str, Any]:
    """Read a TOML file of this folder."""
    content: dict[str, Any] = tomllib.loads(
        (Path(__file__).parent / name).read_text(encoding="utf-8")
    )
    return content
