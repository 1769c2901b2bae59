"""Sweeps: all trials of a grid, on all cores, each done once ever."""

import json
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from tqdm import tqdm
from xxhash import xxh3_128_hexdigest

from embedcache import UserError
from embedcache.encoders.devices import check_device
from segclf.corpus import ReadOptions, Split
from segclf.experiments.grids import Experiment, Trial
from segclf.experiments.leaderboard import leaderboard
from segclf.tasks.embed import embed
from segclf.tasks.evaluate import SCORED_SPLITS, evaluate, read_evaluation
from segclf.tasks.train import train
from segclf.training.options import check_options, resolve
from segclf.workspace.runs import Run, list_runs, load_run
from segclf.workspace.workspace import StoredCorpus, Workspace

Completed = tuple[str, bool] | None


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        trial: that was due.
        run: its run; None if it failed.
        error: what the user can do about it; None if it did not fail.
        new: whether this sweep did it; else it was done before, or by another sweep meanwhile.
    """

    trial: Trial
    run: Run | None = None
    error: str | None = None
    new: bool = True


def sweep(
    workspace: Workspace,
    trials: Sequence[Trial],
    *,
    corpus_name: str | None = None,
    jobs: int | None = None,
    device: str = "cpu",
    threads: int = 1,
    progress: bool = False,
) -> list[Outcome]:
    """Train and score every trial that has no run yet.

    Trials run in processes of their own, whose number of threads is set: the numbers that come out
    do not depend on how many run at once. What is finished is kept if this is stopped; the same
    call goes on from there. Several sweeps may run at once: a trial that another one is working on
    is left to the end, and its result is taken over.

    Args:
        workspace: that the corpus was embedded into.
        trials: to do.
        corpus_name: by default the corpus embedded last.
        jobs: trials at once; by default the number of cores divided by `threads`, on a GPU one.
        device: that all of them compute on, see `segclf.training.loop.train_head`.
        threads: that each of them computes with.
        progress: show a bar on standard error.

    Returns:
        An outcome for each trial, in their order.

    Raises:
        UserError: a head, a loss, an encoder, a device or a number that cannot be, told before any
            training; or a process was killed.
    """
    for name, value in (("jobs", jobs), ("threads", threads)):
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}: take 1 or more")
    check_device(device)
    stored = workspace.load_corpus(corpus_name)
    for trial in trials:  # told at once, not hours later
        check_options(trial.options)
        stored.encoder(trial.encoder, trial.pooling)
    splits = [split for split in SCORED_SPLITS if split in stored.corpus.counts()]
    done = {
        trial: run
        for trial, run in find_runs(workspace, trials, stored).items()
        if all(read_evaluation(run, split) for split in splits)
    }
    due = [trial for trial in trials if trial not in done]
    outcomes = {trial: Outcome(trial, run, new=False) for trial, run in done.items()}
    jobs = min(jobs or _default_jobs(device, threads), max(len(due), 1))
    if sys.platform == "win32":
        jobs = min(jobs, 61)  # the limit of ProcessPoolExecutor there
    with tqdm(total=len(due), unit=" runs", disable=None if progress else True) as bar:
        for outcome in _run_all(workspace, due, stored, splits, jobs, device, threads):
            outcomes[outcome.trial] = outcome
            bar.set_postfix_str(_news(outcome), refresh=False)
            bar.update()
    return [outcomes[trial] for trial in trials]


def _default_jobs(device: str, threads: int) -> int:
    """Return how many trials to run at once; a GPU has memory for one of any size."""
    return max((os.cpu_count() or 1) // threads, 1) if device == "cpu" else 1


def report(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return what `segtool sweep --json` prints: counts, the leaderboard, and what failed."""
    runs = [outcome.run for outcome in outcomes if outcome.run]
    return {
        "corpus": runs[0].record["corpus"] if runs else None,
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


def embed_experiment(
    experiment: Experiment,
    trials: Sequence[Trial],
    workspace: Workspace,
    *,
    corpus_name: str | None = None,
    progress: bool = False,
) -> str | None:
    """Embed the corpus of an experiment with the encoders of trials; what is there is not redone.

    Args:
        experiment: that may name a corpus.
        trials: that will be done.
        workspace: where the corpus goes.
        corpus_name: of an embedded corpus, for an experiment that names none.
        progress: show a bar on standard error.

    Returns:
        The name of the corpus to train on; None for the latest.

    Raises:
        UserError: the text cannot be read, there is no such encoder, or two corpora are named.
    """
    settings = experiment.corpus
    if not settings:
        return corpus_name
    if corpus_name is not None:
        raise UserError(f"the file names its corpus, {settings['path']}: leave out --corpus")
    read: dict[str, Any] = {
        field.name: settings[field.name] for field in fields(ReadOptions) if field.name in settings
    }
    for encoder, pooling in dict.fromkeys((trial.encoder, trial.pooling) for trial in trials):
        embedded = embed(
            settings["path"],
            workspace,
            name=settings.get("name"),
            encoder_name=encoder,
            pooling=pooling,
            options=ReadOptions(**read),
            format_name=settings.get("format", "auto"),
            split=settings.get("split"),
            progress=progress,
        )
    return embedded.name


def _news(outcome: Outcome) -> str:
    if outcome.run is None:
        return "one failed"
    return f"{outcome.run.name}: dev F1 {outcome.run.record['dev']['f1']:.3f}"


def find_runs(
    workspace: Workspace, trials: Sequence[Trial], stored: StoredCorpus
) -> dict[Trial, Run]:
    """Find the runs that trials have in the workspace: same text, same encoder, same options."""
    known = {_key_of_run(run): run for run in list_runs(workspace)}
    keys = {trial: _key(stored, trial) for trial in trials}
    return {trial: known[key] for trial, key in keys.items() if key in known}


def _key(stored: StoredCorpus, trial: Trial) -> str:
    encoder = stored.encoder(trial.encoder, trial.pooling)
    options = asdict(resolve(trial.options))
    return json.dumps([stored.digest, encoder.fingerprint, options], sort_keys=True)


def _key_of_run(run: Run) -> str:
    record = run.record
    return json.dumps(
        [record.get("corpus_digest"), record["encoder"]["fingerprint"], record["options"]],
        sort_keys=True,
    )


def _run_all(
    workspace: Workspace,
    trials: Sequence[Trial],
    stored: StoredCorpus,
    splits: Sequence[Split],
    jobs: int,
    device: str,
    threads: int,
) -> Iterator[Outcome]:
    if not trials:
        return
    context = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(jobs, context, _begin_worker)

    def submit(trial: Trial, *, wait: bool) -> "Future[Completed]":
        chosen = _with_encoder(trial, stored)
        return executor.submit(
            _complete,
            workspace.path,
            stored.name,
            stored.digest,
            chosen,
            splits,
            device=device,
            threads=threads,
            wait=wait,
        )

    try:
        with _no_interrupts():
            futures = {submit(trial, wait=False): trial for trial in trials}
        busy = []
        for future in as_completed(futures):
            outcome = _outcome(futures[future], future, workspace)
            if outcome:
                yield outcome
            else:
                busy.append(futures[future])
        with _no_interrupts():
            futures = {submit(trial, wait=True): trial for trial in busy}
        for future in as_completed(futures):
            outcome = _outcome(futures[future], future, workspace)
            assert outcome  # noqa: S101 - it waited for the other sweep
            yield outcome
    except BrokenProcessPool as error:
        raise UserError(
            "a process of the sweep was killed, for want of memory perhaps: what is finished is "
            "kept; run the same command again, with fewer --jobs"
        ) from error
    except BaseException:  # Ctrl-C: no trial is waited for
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _with_encoder(trial: Trial, stored: StoredCorpus) -> Trial:
    """Name the latest encoder: another one may be that by the time the trial's turn comes."""
    encoder = stored.encoder(trial.encoder, trial.pooling)
    return replace(trial, encoder=encoder.name, pooling=encoder.pooling)


def _outcome(trial: Trial, future: "Future[Completed]", workspace: Workspace) -> Outcome | None:
    """Return what became of a trial; None if another sweep is working on it."""
    try:
        completed = future.result()
        if completed is None:
            return None
        name, new = completed
        return Outcome(trial, load_run(workspace, name), new=new)
    except UserError as error:
        return Outcome(trial, error=str(error))
    except torch.OutOfMemoryError:
        return Outcome(trial, error="the device has not enough memory: take fewer --jobs")


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Block Ctrl-C while processes start: they inherit that it is blocked.

    Windows cannot block a signal; there a process ignores Ctrl-C once `_begin_worker` runs.
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent has been killed, which nobody would tell it otherwise."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - this runs in a child
    parent.join()
    os._exit(1)


def _complete(
    path: Path,
    corpus_name: str,
    digest: str,
    trial: Trial,
    splits: Sequence[Split],
    *,
    device: str,
    threads: int,
    wait: bool,
) -> Completed:
    """Do what is missing of a trial, in a worker process.

    Args:
        path: of the workspace.
        corpus_name: of the corpus.
        digest: that the corpus had when the sweep began.
        trial: to do.
        splits: to score.
        device: that computes.
        threads: number of threads that compute.
        wait: for another sweep that is working on the trial.

    Returns:
        The name of its run, and whether anything was missing; None if another sweep is working on
        it and `wait` is False.
    """
    workspace = Workspace(path)
    stored = workspace.load_corpus(corpus_name)
    if stored.digest != digest:
        raise UserError(f"the corpus {corpus_name} changed while the sweep ran: run it again")
    try:
        with _lock(workspace, _key(stored, trial)).acquire(timeout=-1 if wait else 0):
            return _do_missing(workspace, stored, trial, splits, device, threads)
    except Timeout:
        return None


def _lock(workspace: Workspace, key: str) -> FileLock:
    """Return the lock of a trial; the operating system frees that of a process that dies.

    Lock files stay: a process may be waiting for one, and each is empty.
    """
    folder = workspace.path / "locks"
    folder.mkdir(exist_ok=True)
    return FileLock(folder / xxh3_128_hexdigest(key.encode()))


def _do_missing(
    workspace: Workspace,
    stored: StoredCorpus,
    trial: Trial,
    splits: Sequence[Split],
    device: str,
    threads: int,
) -> tuple[str, bool]:
    run = find_runs(workspace, [trial], stored).get(trial)
    new = run is None
    if run is None:
        run = train(
            workspace,
            trial.options,
            corpus_name=stored.name,
            encoder_name=trial.encoder,
            pooling=trial.pooling,
            device=device,
            threads=threads,
        )
    for split in splits:
        if not read_evaluation(run, split):
            evaluate(workspace, run, split=split, device=device, threads=threads)
            new = True
    return run.name, new
