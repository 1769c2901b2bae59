"""The table of what each piece of the default encoder is worth."""

from collections.abc import Sequence

from segclf.comparison import CONFIDENCE, compare_means
from segclf.corpus import Split
from segclf.grids import Experiment, Trial
from segclf.leaderboard import SPLITS, leaderboard
from segclf.runs import Run
from segclf.sweeps import find_runs
from segclf.workspace import StoredCorpus, Workspace

COLUMNS = ("encoder", "dev F1", "the default is higher by", "test F1", "the default is higher by")


def ablation(
    plan: Experiment, workspace: Workspace, stored: StoredCorpus | None
) -> tuple[list[list[str]], str]:
    """Compare the first encoder of an experiment, the default, with each of the others.

    Returns:
        Rows of `COLUMNS`, and what they are.
    """
    groups = _runs_by_encoder(plan.trials, workspace, stored)
    default = next(iter(groups.values()))
    rows = []
    for name, runs in groups.items():
        cells = [f"`{name}`"]
        for split in SPLITS:
            f1 = leaderboard(runs)[0][split]["f1"] if runs else {"mean": None, "std": None}
            if f1["std"] is None:
                cells += ["not run yet", ""]
                continue
            cells.append(f"{f1['mean']:.3f} ± {f1['std']:.3f}")
            other = runs is not default and len(runs) == len(default)
            cells.append(_difference(workspace, default, runs, split) if other else "")
        rows.append(cells)
    options = plan.trials[0].options
    return rows, (
        f"{options.head}, window {options.window}, mean of {len(default)} seeds; the first row is "
        f"the default. In brackets the {CONFIDENCE:.0%} interval of the paired bootstrap over "
        "blocks of neighbouring sentences of the novel, with these seeds."
    )


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


def _difference(workspace: Workspace, firsts: list[Run], runs: list[Run], split: Split) -> str:
    f1, _, _ = compare_means(workspace, firsts, runs, split=split)
    return f"{f1.difference:+.3f} ({f1.low:+.3f} to {f1.high:+.3f})"
