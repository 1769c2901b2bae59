"""The systems on the page: those of the experiments, and the fine-tuned systems."""

import shlex
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from embedcache import UserError
from segclf import toml_files
from segclf.experiments.experiment_files import Experiment
from segclf.experiments.grids import Trial, settings_of
from segclf.experiments.leaderboard import leaderboard, system_labels
from segclf.experiments.trials import find_runs
from segclf.finetune.options import DEFAULT_BACKBONE, options_from
from segclf.tasks.evaluation_files import SCORED_SPLITS
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.runs import Run, list_runs
from segclf.workspace.workspace import Workspace
from segtool.commands.experiments import GridOptions

CORPUS = "soseki"
_SWEEP_OPTIONS = {field.name for field in fields(GridOptions)}


@dataclass(frozen=True)
class Row:
    """A system on the page.

    Attributes:
        name: Name of the system.
        encoder: Encoder that computes the vectors or is fine-tuned.
        command: Command that runs the system.
        summary: Entry of `segclf.experiments.leaderboard.leaderboard`; None if the system has not
            been run.
        is_finetuned: Whether the encoder is trained too.
        is_pair: Whether the system is the fine-tuned pair with which the heads are compared.
    """

    name: str
    encoder: str
    command: str
    summary: dict[str, Any] | None
    is_finetuned: bool = False
    is_pair: bool = False

    @property
    def label(self) -> str:
        """Name and encoder."""
        return f"{self.name} ({self.encoder})"

    @property
    def dev_f1(self) -> float:
        """Mean F1 on dev; -1 if there is none."""
        mean: float | None = self.summary["dev"]["f1"]["mean"] if self.summary else None
        return -1.0 if mean is None else mean


def experiment_rows(
    path: Path, plan: Experiment, workspace: Workspace, stored: StoredCorpus | None
) -> list[Row]:
    """Return a row for each system of an experiment, with the command that runs this system."""
    groups = group_by_system(plan.trials)
    labels = system_labels([asdict(trials[0].options) for trials in groups])
    return [
        Row(
            label,
            " ".join(filter(None, (trials[0].encoder, trials[0].pooling))),
            sweep_command(path, trials[0], plan.trials),
            summary_of(trials, workspace, stored),
        )
        for label, trials in zip(labels, groups, strict=True)
    ]


def group_by_system(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Group trials that differ only in the seed."""
    groups: dict[Trial, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(replace(trial, options=replace(trial.options, seed=0)), []).append(trial)
    return list(groups.values())


def finetuned_rows(runs: Sequence[Run]) -> list[Row]:
    """Return a row for each system of `finetuned.toml`."""
    plan = read_toml("finetuned.toml")
    rows = []
    for system in plan["system"]:
        found = next(iter(leaderboard(runs_of(system, runs))), None)
        scores = [f"segtool eval --split {split}" for split in SCORED_SPLITS]
        command = " && ".join([plan["embed"], system["command"], *scores])
        is_pair = system.get("pair", False)
        rows.append(Row(system["name"], DEFAULT_BACKBONE, command, found, True, is_pair))
    return rows


def runs_of(system: dict[str, Any], runs: Sequence[Run]) -> list[Run]:
    """Return the runs that a system's command produces, with any seed.

    Args:
        system: Table of the system in `finetuned.toml`.
        runs: Runs on the corpus of the page.
    """
    expected = _without_seed(options_from(system["kind"], system["options"]).to_dict())
    return [
        run
        for run in runs
        if run.kind == system["kind"]
        and run.encoder.name == DEFAULT_BACKBONE
        and _without_seed(options_from(run.kind, run.record.options).to_dict()) == expected
    ]


def runs_on_corpus(workspace: Workspace) -> tuple[StoredCorpus | None, list[Run]]:
    """Return the corpus of the page, None if it has not been embedded, and the runs on its text."""
    try:
        stored = workspace.load_corpus(CORPUS)
    except UserError:
        return None, []
    return stored, [
        run
        for run in list_runs(workspace)
        if run.record.corpus == stored.name and run.record.corpus_digest == stored.digest
    ]


def _without_seed(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "seed"}


def summary_of(
    trials: Sequence[Trial], workspace: Workspace, stored: StoredCorpus | None
) -> dict[str, Any] | None:
    """Return the entry of the leaderboard for the runs of a system; None if there are no runs.

    Args:
        trials: Trials of the system, which differ only in the seed.
        workspace: Workspace with the runs.
        stored: Corpus of the runs; None if it has not been embedded.
    """
    if stored is None:
        return None
    try:
        found = leaderboard(list(find_runs(workspace, trials, stored).values()))
    except UserError:  # the corpus has not been embedded with this encoder
        return None
    return found[0] if found else None


def sweep_command(
    path: Path, trial: Trial, trials: Sequence[Trial], *, free: Collection[str] = ("seed",)
) -> str:
    """Return the command that runs a trial of an experiment file with all values of `free`.

    Args:
        path: Experiment file.
        trial: A trial of the file.
        trials: All trials of the file.
        free: Names of the settings whose values in the file are all run.
    """
    settings_of_all = [settings_of(other) for other in trials]
    command = f"segtool sweep experiments/{path.name}"
    for name, value in settings_of(trial).items():
        if name in free or value is None or (name == "gamma" and trial.options.loss != "focal"):
            continue
        if len({repr(settings[name]) for settings in settings_of_all}) > 1:
            shown = shlex.quote(f"{value:g}" if isinstance(value, float) else str(value))
            option = f"--{name.replace('_', '-')} {shown}"
            command += f" {option if name in _SWEEP_OPTIONS else f'--set {name}={shown}'}"
    return command


def read_toml(name: str) -> dict[str, Any]:
    """Read a TOML file in this folder."""
    return toml_files.read_toml(Path(__file__).parent / name)
