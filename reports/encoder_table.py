"""The ablation of the frozen encoder."""

from collections.abc import Sequence

from reports.markdown import NOT_RUN, mean_and_deviation, table
from segclf.corpus import Split
from segclf.experiments.comparison import compare_means
from segclf.experiments.experiment_files import Experiment
from segclf.experiments.grids import Trial
from segclf.experiments.leaderboard import leaderboard
from segclf.experiments.trials import find_runs
from segclf.scoring.bootstrap import CONFIDENCE
from segclf.tasks.evaluation_files import SCORED_SPLITS
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace

COLUMNS = (
    "encoder",
    "dev F1",
    "first minus this encoder, dev",
    "test F1",
    "first minus this encoder, test",
)


def ablation(plan: Experiment, workspace: Workspace, stored: StoredCorpus | None) -> list[str]:
    """Return a section that compares the first encoder of an experiment with the others.

    Args:
        plan: Experiment.
        workspace: Workspace with the runs.
        stored: Corpus of the runs; None if it has not been embedded.
    """
    groups = _runs_by_encoder(plan.trials, workspace, stored)
    first = next(iter(groups.values()))
    rows = [
        [
            f"`{name}`",
            *(cell for split in SCORED_SPLITS for cell in _cells(workspace, first, runs, split)),
        ]
        for name, runs in groups.items()
    ]
    return render(plan.trials[0], len(first), rows)


def render(trial: Trial, seeds: int, rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the section.

    Args:
        trial: Any trial of the experiment; all share its head and window.
        seeds: Number of seeds.
        rows: Cells of `COLUMNS` for each encoder, the first of the experiment first.
    """
    text = (
        f"Head {trial.options.head}, window {trial.options.window}, mean of {seeds} seeds. The "
        f"first row is the frozen encoder of the other tables. The {CONFIDENCE:.0%} intervals in "
        "parentheses come from a paired bootstrap over blocks of consecutive sentences of the "
        "novel, with these seeds.\n"
    )
    return ["## Ablation of the frozen encoder\n", text, table(COLUMNS, rows)]


def _runs_by_encoder(
    trials: Sequence[Trial], workspace: Workspace, stored: StoredCorpus | None
) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = {str(trial.encoder): [] for trial in trials}
    embedded = {encoder.name for encoder in stored.encoders} if stored else set()
    known = [trial for trial in trials if trial.encoder in embedded]
    if stored and known:
        for trial, run in find_runs(workspace, known, stored).items():
            groups[str(trial.encoder)].append(run)
    return groups


def _cells(workspace: Workspace, first: list[Run], runs: list[Run], split: Split) -> list[str]:
    """Return the cells with the F1 of an encoder, and that of the first encoder minus it."""
    f1 = leaderboard(runs)[0][split]["f1"] if runs else {"mean": None, "std": None}
    if f1["std"] is None:
        return [NOT_RUN, ""]
    is_comparable = runs is not first and len(runs) == len(first)
    difference = _difference(workspace, first, runs, split) if is_comparable else ""
    return [mean_and_deviation(f1), difference]


def _difference(workspace: Workspace, first: list[Run], runs: list[Run], split: Split) -> str:
    f1 = compare_means(workspace, first, runs, split=split)
    return f"{f1.difference:+.3f} ({f1.low:+.3f} to {f1.high:+.3f})"
