"""Sweeps: all trials of a grid in parallel; no trial is repeated."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any, Literal

from embedcache import UserError
from embedcache.encoders.processor import available_cores
from embedcache.encoders.threads import check_threads
from embedcache.terminal import progress_bar
from segclf.experiments.cluster_pool import cluster_pool
from segclf.experiments.grids import Trial
from segclf.experiments.leaderboard import leaderboard
from segclf.experiments.process_pool import process_pool
from segclf.experiments.trials import find_runs
from segclf.experiments.workers import Outcome, Pool, TrialCompute, run_trials
from segclf.tasks.evaluation import splits_to_score
from segclf.tasks.evaluation_files import SCORED_SPLITS, read_evaluation
from segclf.workspace.cluster import check_cluster_device
from segclf.workspace.memory import vectors_limit
from segclf.workspace.workspace import Workspace


def sweep(
    workspace: Workspace,
    trials: Sequence[Trial],
    *,
    corpus_name: str | None = None,
    jobs: int | None = None,
    device: str = "cpu",
    threads: int = 1,
    memory: float | None = None,
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    progress: bool = False,
) -> list[Outcome]:
    """Train and score every trial that has no run yet, and score runs that lack scores.

    Trials that run at the same time run in separate processes. Each trial computes with a fixed
    number of threads, so the results do not depend on the number of processes.

    If the sweep is stopped, finished runs are kept; call it again with the same arguments to run
    the remaining trials. Several sweeps may run at the same time. If another sweep is working on a
    trial, this sweep processes that trial last and uses the existing result.

    Args:
        workspace: Workspace of the corpus.
        trials: Trials to run.
        corpus_name: Name of the corpus; None for the latest.
        jobs: Number of trials to run at the same time; None for the number of cores divided by
            `threads`, or one on a GPU; on a cluster, for the maximum that its CPUs and GPUs allow.
        device: Device of all trials; see `segclf.training.loop.train_head`.
        threads: Number of CPU threads of each trial.
        memory: Maximum size of the vectors that each trial holds in memory, in gigabytes; None for
            an equal share of `segclf.workspace.memory.vectors_limit`.
        engine: "local" for processes on this machine, or "ray" for tasks on a Ray cluster, whose
            machines share the folder of the workspace.
        address: Address of the cluster; see `embedcache.cluster.connection.connected`.
        progress: Whether to show a progress bar on standard error.

    Returns:
        Outcomes, in the order of the trials. A trial that fails with a UserError does not stop the
        sweep.

    Raises:
        UserError: There is no such corpus or device, the corpus is not embedded with the encoder of
            a trial, or a number is out of range (these are checked before training starts); the
            cluster cannot be used; or a process was killed.
    """
    check_compute(jobs, device, threads, memory, engine)
    stored = workspace.load_corpus(corpus_name)
    present = splits_to_score(stored.corpus)
    splits = [split for split in SCORED_SPLITS if split in present]
    done = {
        trial: run
        for trial, run in find_runs(workspace, trials, stored).items()  # also checks the encoders
        if all(read_evaluation(run, split) for split in splits)
    }
    missing = [trial for trial in trials if trial not in done]
    outcomes = {trial: Outcome(trial, run, new=False) for trial, run in done.items()}
    if not missing:
        return [outcomes[trial] for trial in trials]
    compute, count = TrialCompute(device, threads, memory), len(missing)
    processes: AbstractContextManager[Pool]
    if engine == "ray":
        processes = cluster_pool(workspace.path, address, min(jobs or count, count), compute)
    else:
        processes = process_pool(min(jobs or default_jobs(device, threads), count), compute)
    with processes as pool, progress_bar(count, "runs", show=progress, delay=0) as bar:
        for outcome in run_trials(workspace, missing, stored, splits, pool):
            outcomes[outcome.trial] = outcome
            bar.set_postfix_str(_format_progress(outcome), refresh=False)
            bar.update()
    return [outcomes[trial] for trial in trials]


def check_compute(
    jobs: int | None,
    device: str,
    threads: int,
    memory: float | None = None,
    engine: Literal["local", "ray"] = "local",
) -> None:
    """Check the settings of the computation of a sweep; see `sweep` for the arguments.

    Raises:
        UserError: A number is out of range, or the device does not exist or cannot be used on a
            cluster.
    """
    if jobs is not None and jobs < 1:
        raise UserError(f"jobs is {jobs}: use 1 or more")
    check_threads(threads)
    vectors_limit(memory)  # raises an error for an invalid number
    if engine == "ray":
        check_cluster_device(device)
    elif device != "cpu":
        from embedcache.encoders.devices import check_device  # imports torch

        check_device(device)


def default_jobs(device: str, threads: int) -> int:
    """Return the default number of trials to run at the same time.

    On CPUs, it is the number of cores divided by `threads`. On a GPU, whose memory is limited, it
    is 1.
    """
    return max(available_cores() // threads, 1) if device == "cpu" else 1


def sweep_content(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the content of `segtool sweep --json`: counts, leaderboard and failed trials.

    Args:
        outcomes: Outcomes of all trials of the sweep.
    """
    runs = [outcome.run for outcome in outcomes if outcome.run]
    return {
        "corpus": runs[0].record.corpus if runs else None,
        "trials": len(outcomes),
        "done_before": sum(not outcome.new for outcome in outcomes),
        "done_now": sum(outcome.new and outcome.error is None for outcome in outcomes),
        "systems": leaderboard(runs),
        "failed": [
            {
                "options": asdict(outcome.trial.options),
                "encoder": outcome.trial.encoder,
                "pooling": outcome.trial.pooling,
                "error": outcome.error,
            }
            for outcome in outcomes
            if outcome.error
        ],
    }


def _format_progress(outcome: Outcome) -> str:
    if outcome.run is None:
        return "a trial failed"
    return f"{outcome.run.name}: dev F1 {outcome.run.record.dev['f1']:.3f}"
