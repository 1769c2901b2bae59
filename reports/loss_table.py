"""The table of losses and learning rates."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reports.markdown import NOT_RUN, command_list, table
from reports.systems import group_by_system, summary_of, sweep_command
from segclf.experiments.experiment_files import Experiment
from segclf.experiments.grids import Trial, settings_of
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.workspace import Workspace

VARIED = ("loss", "gamma", "learning_rate", "seed")

Summaries = dict[str, dict[float, dict[str, Any] | None]]


def losses(
    path: Path, plan: Experiment, workspace: Workspace, stored: StoredCorpus | None
) -> list[str]:
    """Return the section: a table with a row for each loss and a column for each learning rate.

    Args:
        path: Experiment file.
        plan: Content of the file.
        workspace: Workspace with the runs.
        stored: Corpus of the runs; None if it has not been embedded.

    Raises:
        ValueError: The trials differ in a setting other than `VARIED`.
    """
    _check_settings(plan.trials)
    summaries: Summaries = {}
    commands = {}
    for trials in group_by_system(plan.trials):
        name, rate = _name(trials[0]), trials[0].options.learning_rate
        summaries.setdefault(name, {})[rate] = summary_of(trials, workspace, stored)
        commands[name] = sweep_command(path, trials[0], plan.trials, free=("learning_rate", "seed"))
    return render(plan.trials[0], summaries, commands)


def _check_settings(trials: Sequence[Trial]) -> None:
    first, *others = (settings_of(trial) for trial in trials)
    differing = {name for other in others for name in other if other[name] != first[name]}
    wrong = sorted(differing.difference(VARIED))
    if wrong:
        raise ValueError(
            f"the trials may differ in {', '.join(VARIED)} only, not in {', '.join(wrong)}"
        )


def _name(trial: Trial) -> str:
    """Name a row of the table by its loss, with gamma if the loss uses it."""
    options = trial.options
    return f"focal, gamma {options.gamma:g}" if options.loss == "focal" else options.loss


def render(trial: Trial, summaries: Summaries, commands: dict[str, str]) -> list[str]:
    """Return the section.

    Args:
        trial: Any trial of the experiment; all share its head and window.
        summaries: Summary of each loss at each learning rate; None if it has not been run.
        commands: Command of each loss.
    """
    rates = sorted({rate for row in summaries.values() for rate in row})
    rows = [[name, *(_cell(row.get(rate)) for rate in rates)] for name, row in summaries.items()]
    text = (
        f"Head {trial.options.head}, window {trial.options.window}. Each cell gives the mean F1 on "
        "test at threshold 0.5 → at the threshold chosen on dev. Bold text counts the runs that "
        "predict a single class on dev at threshold 0.5 (no boundary at all, or a boundary before "
        "every sentence), and those that do so at the chosen threshold (collapsed).\n"
    )
    return [
        "## Losses and learning rates\n",
        text,
        table(("loss", *(f"learning rate {rate:g}" for rate in rates)), rows),
        _without_boundaries(summaries),
        "Commands:\n",
        command_list(commands),
    ]


def _cell(summary: dict[str, Any] | None) -> str:
    if summary is None:
        return NOT_RUN
    half, chosen = summary["at_half"]["test"]["f1"]["mean"], summary["test"]["f1"]["mean"]
    if half is None or chosen is None:
        return NOT_RUN
    text = f"{half:.3f} → {chosen:.3f}"
    counts = {
        "no boundary": summary["nowhere_at_half"],
        "a boundary before every sentence": summary["everywhere_at_half"],
        "collapsed": summary["collapsed"],
    }
    for name, count in counts.items():
        if count:
            text += f"; **{name}: {count} of {summary['n']}**"
    return text


def _without_boundaries(summaries: Summaries) -> str:
    """Return a sentence about the settings with which a head predicts no boundary at all."""
    known = [
        (f"{name} at learning rate {rate:g}", summary)
        for name, row in summaries.items()
        for rate, summary in row.items()
        if summary
    ]
    found = [
        f"{name} ({summary['nowhere_at_half']} of {summary['n']} runs)"
        for name, summary in known
        if summary["nowhere_at_half"]
    ]
    if not known:
        return "No setting has been run yet.\n"
    if not found:
        return f"Each of the {len(known)} settings predicts boundaries at threshold 0.5.\n"
    return f"These settings predict no boundary at all at threshold 0.5: {'; '.join(found)}.\n"
