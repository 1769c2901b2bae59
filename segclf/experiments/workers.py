"""Trials of a sweep, which the processes of a pool train and score."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from xxhash import xxh3_128_hexdigest

from embedcache import UserError
from segclf.corpus import Split
from segclf.experiments.grids import Trial
from segclf.experiments.trials import find_runs, identity_of, with_encoder
from segclf.tasks.evaluate import evaluate
from segclf.tasks.evaluation_files import read_evaluation
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.memory import vectors_limit
from segclf.workspace.new_runs import save_run
from segclf.workspace.records import Identity
from segclf.workspace.runs import Run, load_run
from segclf.workspace.workspace import Workspace

Completed = tuple[str, bool] | None
"""Result of a trial in a worker process; see `complete_trial`."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of a trial.

    Attributes:
        trial: Trial of the sweep.
        run: Run of the trial; None if the trial failed.
        error: Message for the user; None if the trial succeeded.
        new: Whether this sweep, rather than an earlier or parallel one, trained or scored the run.
    """

    trial: Trial
    run: Run | None = None
    error: str | None = None
    new: bool = True


@dataclass(frozen=True)
class TrialCompute:
    """Device, threads and memory of a trial.

    Attributes:
        device: Device; see `segclf.training.loop.train_head`.
        threads: Number of CPU threads.
        memory: Maximum size of the vectors in memory, in gigabytes; None for a share of
            `segclf.workspace.memory.vectors_limit` on the machine of the trial.
        trials_per_machine: Number of trials that share the memory of a machine.
    """

    device: str
    threads: int
    memory: float | None
    trials_per_machine: int = 1


@dataclass(frozen=True)
class Pool:
    """Processes that run trials.

    Attributes:
        call: Function that calls another function with each tuple of arguments, in the processes.
            It yields the position and the result of each call as soon as the call has finished.
        compute: Device, threads and memory of each trial.
    """

    call: Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], Iterator[tuple[int, Any]]]
    compute: TrialCompute


def run_trials(
    workspace: Workspace,
    trials: Sequence[Trial],
    stored: StoredCorpus,
    splits: Sequence[Split],
    pool: Pool,
) -> Iterator[Outcome]:
    """Run trials in the processes of a pool and yield their outcomes as they finish.

    Args:
        workspace: Workspace of the corpus.
        trials: Trials to run.
        stored: Corpus to train on.
        splits: Splits to score.
        pool: Processes that run the trials.

    Raises:
        UserError: A process was killed; on a cluster, several times.
    """
    path = workspace.path.absolute()  # a process may have another working directory

    def complete(
        selected: Sequence[Trial], *, wait: bool
    ) -> Iterator[tuple[Trial, Outcome | None]]:
        corpus, compute = (path, stored.name, stored.digest), pool.compute
        calls = [
            (*corpus, with_encoder(trial, stored), splits, compute, wait) for trial in selected
        ]
        for position, result in pool.call(run_trial, calls):
            trial = selected[position]
            yield trial, _outcome(trial, result, workspace)

    busy = []
    for trial, outcome in complete(trials, wait=False):
        if outcome:
            yield outcome
        else:
            busy.append(trial)
    for _, outcome in complete(busy, wait=True):
        assert outcome  # noqa: S101 - the call has waited for the other sweep
        yield outcome


def _outcome(trial: Trial, result: Completed | str, workspace: Workspace) -> Outcome | None:
    """Return the outcome of a trial; None if another sweep is working on it."""
    if result is None:
        return None
    if isinstance(result, str):
        return Outcome(trial, error=result)
    name, new = result
    return Outcome(trial, load_run(workspace, name), new=new)


def run_trial(
    path: Path,
    corpus_name: str,
    digest: str,
    trial: Trial,
    splits: Sequence[Split],
    compute: TrialCompute,
    wait: bool,
) -> Completed | str:
    """Complete a trial as `complete_trial` does.

    If it raises a UserError or the memory of the device is full, return a message for the user.
    """
    try:
        return complete_trial(path, corpus_name, digest, trial, splits, compute=compute, wait=wait)
    except UserError as error:
        return str(error)
    except RuntimeError as error:
        from torch import OutOfMemoryError  # the process of the sweep does not need torch

        if isinstance(error, OutOfMemoryError):
            return "the device ran out of memory: use fewer --jobs"
        raise


def complete_trial(
    path: Path,
    corpus_name: str,
    digest: str,
    trial: Trial,
    splits: Sequence[Split],
    *,
    compute: TrialCompute,
    wait: bool,
) -> Completed:
    """Train and score a trial in a worker process, reusing an existing run and existing scores.

    Args:
        path: Folder of the workspace.
        corpus_name: Name of the corpus.
        digest: Digest of the corpus when the sweep began.
        trial: Trial to run.
        splits: Splits to score.
        compute: Device, threads and memory of the trial.
        wait: Whether to wait for another sweep that is working on the trial.

    Returns:
        Name of the run, and whether this call trained or scored it; None if another sweep is
        working on the trial and `wait` is False.

    Raises:
        UserError: The corpus has changed since the sweep began, or the trial cannot be trained or
            scored.
    """
    workspace = Workspace(path)
    stored = workspace.load_corpus(corpus_name)
    if stored.digest != digest:
        raise UserError(
            f"the corpus {corpus_name} changed while the sweep ran: run the sweep again"
        )
    try:
        with trial_lock(workspace, identity_of(stored, trial)).acquire(timeout=-1 if wait else 0):
            return _train_and_score(workspace, stored, trial, splits, compute)
    except Timeout:
        return None


def trial_lock(workspace: Workspace, identity: Identity) -> FileLock:
    """Return the lock of a trial; the operating system releases it if the process dies.

    The empty lock files are kept, since a process may be waiting for one.
    """
    workspace.locks.mkdir(exist_ok=True)
    key = json.dumps(asdict(identity), sort_keys=True).encode()
    return FileLock(workspace.locks / xxh3_128_hexdigest(key))


def _train_and_score(
    workspace: Workspace,
    stored: StoredCorpus,
    trial: Trial,
    splits: Sequence[Split],
    compute: TrialCompute,
) -> tuple[str, bool]:
    """Train and score a trial, unless its run and scores exist; see `complete_trial`."""
    from segclf.tasks.train import train_on  # imports torch

    memory = vectors_limit(compute.memory, compute.trials_per_machine)
    run = find_runs(workspace, [trial], stored).get(trial)
    new = run is None
    if run is None:
        encoder = stored.encoder(trial.encoder, trial.pooling)
        trained = train_on(
            workspace,
            stored,
            encoder,
            trial.options,
            device=compute.device,
            threads=compute.threads,
            memory=memory,
        )
        run = save_run(workspace.runs, trained)
    for split in splits:
        if not read_evaluation(run, split):
            evaluate(
                workspace,
                run,
                split=split,
                device=compute.device,
                threads=compute.threads,
                memory=memory,
                stored=stored,
            )
            new = True
    return run.name, new
