"""Commands on several runs: sweep and compare."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from embedcache import UserError
from segclf.training.options import overridden_gamma
from segtool.completion import complete_runs
from segtool.options import (
    RUN_HELP,
    ComputeOptions,
    CorpusOption,
    EngineOptions,
    HeadComputeOptions,
    JsonOption,
    LogToOption,
    NewWorkspaceOption,
    SplitToScoreOption,
    WorkspaceOption,
    with_options,
)
from segtool.output import describe_used_model, note, run_logger, show, shows_progress


@dataclass(frozen=True)
class GridOptions:
    """Values of settings, separated by commas.

    Attributes:
        head: Heads. [default: mlp,bilstm,transformer]
        window: Window sizes, such as 1,2,4.
        loss: Loss functions, such as cross-entropy,balanced,focal.
        gamma: Values of gamma for the focal loss, such as 0.5,1,2,5.
        learning_rate: Maximum learning rates, such as 3e-4,1e-3.
        encoder: Encoders used to embed the corpus. [default: the latest]
        seed: Random seeds, such as 0,1,2 or 0-2. [default: 0-4]
        settings: Values of any other training option, such as epochs=4,8. Can be repeated.
    """

    head: str | None = None
    window: str | None = None
    loss: str | None = None
    gamma: str | None = None
    learning_rate: str | None = None
    encoder: str | None = None
    seed: str | None = None
    settings: list[str] | None = None

    overridden = staticmethod(overridden_gamma)

    def values(self) -> dict[str, list[Any]]:
        """Return the lists of values by setting name, without settings that are not given.

        Raises:
            UserError: A setting is unknown or set twice, or a value has the wrong type or is out of
                range.
        """
        from segclf.experiments.grids import given_values

        named = {name: text for name, text in vars(self).items() if name != "settings"}
        return given_values(named, self.settings or [])


@with_options(
    head=("--head", "--heads"),
    window=("--window", "--windows"),
    loss=("--loss", "--losses"),
    gamma=("--gamma", "--gammas"),
    learning_rate=("--learning-rate", "--learning-rates"),
    encoder=("--encoder", "--encoders"),
    seed=("--seed", "--seeds"),
    settings="--set",
)
def sweep(
    experiment: Annotated[
        Path | None,
        typer.Argument(
            help="TOML file that defines a corpus and grids of settings. With a file, the "
            "values given as options select a subset of its runs."
        ),
    ] = None,
    *,
    grid: GridOptions,
    corpus: CorpusOption = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            help="Number of runs in parallel. [default: the number of CPU cores divided by "
            "--threads, or 1 on a GPU; as many as fit on a cluster]"
        ),
    ] = None,
    compute: HeadComputeOptions,
    cluster: EngineOptions,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show how many runs would be trained, and the estimated time."
        ),
    ] = False,
    log_to: LogToOption = None,
    workspace: NewWorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train heads on a grid of settings and rank them by dev F1.

    Finished runs are reused.

    Example: segtool sweep --head mlp,bilstm --window 2,4 --seed 0-4
    """
    from segclf.experiments.corpora import embed_experiment
    from segclf.experiments.estimates import estimate_sweep
    from segclf.experiments.experiment_files import Experiment, read_experiment
    from segclf.experiments.grids import expand, select
    from segclf.experiments.sweeps import check_compute, sweep_content
    from segclf.experiments.sweeps import sweep as run_sweep
    from segclf.workspace.workspace import Workspace
    from segtool.tables.runs import print_estimate, print_sweep

    # checked first, because embedding the corpus of an experiment may take hours
    check_compute(jobs, compute.device, compute.threads, compute.memory, cluster.engine)
    if cluster.engine == "ray":
        _check_cluster(dry_run=dry_run)
    log = run_logger(log_to)
    opened = Workspace(workspace)
    given = grid.values()
    plan = read_experiment(experiment) if experiment else Experiment(None, expand(given))
    plan = replace(plan, trials=select(plan.trials, given))
    if dry_run:
        estimate = estimate_sweep(
            opened,
            plan,
            corpus_name=corpus,
            jobs=jobs,
            device=compute.device,
            threads=compute.threads,
        )
        show(vars(estimate), print_estimate, as_json)
        return
    name = embed_experiment(opened, plan, corpus_name=corpus, progress=shows_progress(as_json))
    outcomes = run_sweep(
        opened,
        plan.trials,
        corpus_name=name,
        jobs=jobs,
        device=compute.device,
        threads=compute.threads,
        memory=compute.memory,
        engine=cluster.engine,
        address=cluster.address,
        progress=shows_progress(as_json),
    )
    content = sweep_content(outcomes)
    show(content, print_sweep, as_json)
    log([outcome.run for outcome in outcomes if outcome.new and outcome.run], opened)
    if content["failed"]:
        raise typer.Exit(1)


def _check_cluster(*, dry_run: bool) -> None:
    """Check that the package ray is installed, and that the sweep is not a dry run."""
    from embedcache.cluster.connection import import_ray

    if dry_run:
        raise UserError(
            "--dry-run does not connect to a cluster: leave out --engine ray, and give the number "
            "of runs in parallel with --jobs"
        )
    import_ray()


@with_options()
def compare(
    first: Annotated[str, typer.Argument(help=RUN_HELP, autocompletion=complete_runs)],
    second: Annotated[
        str,
        typer.Argument(help="Another run on the same corpus.", autocompletion=complete_runs),
    ],
    *,
    split: SplitToScoreOption = "test",
    compute: ComputeOptions,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs with a paired bootstrap.

    Example: segtool compare bilstm-w4-001 mlp-w4-001
    """
    from segclf.experiments.comparison import compare as compare_runs
    from segclf.workspace.runs import load_run
    from segclf.workspace.workspace import Workspace
    from segtool.tables.comparison import print_comparison

    opened = Workspace(workspace)
    pair = load_run(opened, first), load_run(opened, second)
    comparison = compare_runs(
        opened, *pair, split=split, device=compute.device, threads=compute.threads
    )
    for run in pair:
        note(describe_used_model("run", run.name, run.threshold))
    show(comparison.to_dict(), print_comparison, as_json)
