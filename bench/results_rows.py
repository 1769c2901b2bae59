"""What the page of results has rows of: experiments' systems and fine-tuned ones."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from embedcache import UserError
from segclf.finetune.options import options_from
from segclf.grids import Experiment, Trial, settings_of
from segclf.leaderboard import SPLITS, leaderboard, system_labels
from segclf.runs import Run, list_runs
from segclf.sweeps import find_runs
from segclf.workspace import StoredCorpus, Workspace

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CORPUS = "soseki"
FINETUNED = "e5-small"  # the model that fine-tuning starts from, unless told


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
    plan = read_toml("finetuned.toml")
    rows = []
    for system in plan["system"]:
        found = next(iter(leaderboard(runs_of(system, runs))), None)
        scores = [f"segtool eval --split {split}" for split in SPLITS]
        command = " && ".join([plan["embed"], system["command"], *scores])
        rows.append(Row(system["name"], FINETUNED, command, found, pair=system.get("pair", False)))
    return rows


def runs_of(system: dict[str, Any], runs: Sequence[Run]) -> list[Run]:
    """Choose the runs that a system's command makes, whatever the seed.

    Args:
        system: of `bench/finetuned.toml`.
        runs: of its corpus.
    """
    expected = _but_seed(options_from(system).to_dict())
    return [
        run
        for run in runs
        if run.kind == system["kind"]
        and run.encoder.name == FINETUNED
        and _but_seed(options_from(run.record).to_dict()) == expected
    ]


def runs_on_corpus(workspace: Workspace) -> tuple[StoredCorpus | None, list[Run]]:
    """Return the corpus of the page, None if it is not embedded yet, and the runs on its text."""
    try:
        stored = workspace.load_corpus(CORPUS)
    except UserError:
        return None, []
    return stored, [
        run
        for run in list_runs(workspace)
        if run.record["corpus"] == stored.name and run.record.get("corpus_digest") == stored.digest
    ]


def _but_seed(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "seed"}


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
        if name == "seed" or value is None or (name == "gamma" and trial.options.loss != "focal"):
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
