"""Worker processes of a sweep: each trains and scores one trial at a time."""

import json
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from xxhash import xxh3_128_hexdigest

from embedcache import UserError
from segclf.corpus import Split
from segclf.experiments.grids import Trial
from segclf.experiments.trials import find_runs, identity_of, with_encoder
from segclf.tasks.evaluate import evaluate, read_evaluation
from segclf.tasks.train import train_on
from segclf.workspace.corpora import StoredCorpus
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
    """Where a trial computes.

    Attributes:
        device: Device; see `segclf.training.loop.train_head`.
        threads: Number of CPU threads.
        memory: Maximum size of the vectors in memory, in gigabytes.
    """

    device: str
    threads: int
    memory: float


def run_trials(
    workspace: Workspace,
    trials: Sequence[Trial],
    stored: StoredCorpus,
    splits: Sequence[Split],
    *,
    jobs: int,
    compute: TrialCompute,
) -> Iterator[Outcome]:
    """Run trials in worker processes and yield their outcomes as they finish.

    Args:
        workspace: Workspace of the corpus.
        trials: Trials to run.
        stored: Corpus to train on.
        splits: Splits to score.
        jobs: Number of processes.
        compute: Where each trial computes.

    Raises:
        UserError: A process was killed.
    """
    if not trials:
        return
    with _worker_processes(jobs) as executor:

        def complete(
            selected: Sequence[Trial], *, wait: bool
        ) -> Iterator[tuple[Trial, Outcome | None]]:
            with _no_interrupts():
                futures = {
                    executor.submit(
                        complete_trial,
                        workspace.path,
                        stored.name,
                        stored.digest,
                        with_encoder(trial, stored),
                        splits,
                        compute=compute,
                        wait=wait,
                    ): trial
                    for trial in selected
                }
            for future in as_completed(futures):
                yield futures[future], _outcome(futures[future], future, workspace)

        busy = []
        for trial, outcome in complete(trials, wait=False):
            if outcome:
                yield outcome
            else:
                busy.append(trial)
        for _, outcome in complete(busy, wait=True):
            assert outcome  # noqa: S101 - it waited for the other sweep
            yield outcome


@contextmanager
def _worker_processes(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes for trials, and end them if the sweep is interrupted."""
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(jobs, context, _begin_worker)
    try:
        yield executor
    except BrokenProcessPool as error:
        raise UserError(
            "a process of the sweep was killed, perhaps because memory ran out: finished runs are "
            "kept; run the same command again with fewer --jobs"
        ) from error
    except BaseException:  # Ctrl-C: do not wait for the trials
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _outcome(trial: Trial, future: "Future[Completed]", workspace: Workspace) -> Outcome | None:
    """Return the outcome of a trial; None if another sweep is working on it."""
    try:
        completed = future.result()
        if completed is None:
            return None
        name, new = completed
        return Outcome(trial, load_run(workspace, name), new=new)
    except UserError as error:
        return Outcome(trial, error=str(error))
    except torch.OutOfMemoryError:
        return Outcome(trial, error="the device ran out of memory: use fewer --jobs")


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Block Ctrl-C while processes start, so that they inherit the block.

    On Windows, which cannot block a signal, a process ignores Ctrl-C once `_begin_worker` runs.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _begin_worker() -> None:
    logging.getLogger("segclf").setLevel(logging.ERROR)  # the parent process has warned already
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent terminates its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent process ends, since nothing else would end it."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - this runs in a child
    parent.join()
    os._exit(1)


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
        compute: Where the trial computes.
        wait: Whether to wait for another sweep that is working on the trial.

    Returns:
        Name of the run, and whether this call trained or scored it; None if another sweep is
        working on the trial and `wait` is False.
    """
    workspace = Workspace(path)
    stored = workspace.load_corpus(corpus_name)
    if stored.digest != digest:
        raise UserError(f"the corpus {corpus_name} changed while the sweep ran: run it again")
    try:
        with trial_lock(workspace, identity_of(stored, trial)).acquire(timeout=-1 if wait else 0):
            return _train_and_score(workspace, stored, trial, splits, compute)
    except Timeout:
        return None


def trial_lock(workspace: Workspace, identity: Identity) -> FileLock:
    """Return the lock of a trial; the operating system releases it if the process dies.

    The empty lock files are kept, since a process may be waiting for one.
    """
    folder = workspace.path / "locks"
    folder.mkdir(exist_ok=True)
    key = json.dumps(asdict(identity), sort_keys=True).encode()
    return FileLock(folder / xxh3_128_hexdigest(key))


def _train_and_score(
    workspace: Workspace,
    stored: StoredCorpus,
    trial: Trial,
    splits: Sequence[Split],
    compute: TrialCompute,
) -> tuple[str, bool]:
    """Train and score a trial, except for what exists already; see `complete_trial`."""
    run = find_runs(workspace, [trial], stored).get(trial)
    new = run is None
    if run is None:
        encoder = stored.encoder(trial.encoder, trial.pooling)
        run = train_on(workspace, stored, encoder, trial.options, **asdict(compute))
    for split in splits:
        if not read_evaluation(run, split):
            evaluate(
                workspace,
                run,
                split=split,
                device=compute.device,
                threads=compute.threads,
                stored=stored,
            )
            new = True
    return run.name, new
