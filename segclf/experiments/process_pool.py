"""Processes of a sweep on this machine."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from embedcache import UserError
from segclf.experiments.workers import Pool, TrialCompute
from segclf.workspace.memory import vectors_limit


@contextmanager
def process_pool(jobs: int, compute: TrialCompute) -> Iterator[Pool]:
    """Inside a `with` block, yield a pool of processes on this machine that run trials.

    The processes are ended if the sweep is interrupted. If `jobs` is 1, the trials run in this
    process, since a new one would take seconds to import torch.

    Args:
        jobs: Number of trials to run at the same time.
        compute: Device, threads and memory of each trial. If it has no memory limit, each trial
            gets an equal share of `segclf.workspace.memory.vectors_limit`.

    Raises:
        UserError: A process was killed.
    """
    if sys.platform == "win32":
        jobs = min(jobs, 61)  # the limit of ProcessPoolExecutor on Windows
    compute = replace(compute, memory=vectors_limit(compute.memory, jobs))
    if jobs == 1:
        yield Pool(_call_here, compute)
        return
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(jobs, context, _begin_worker)

    def call(
        function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any]]:
        with _no_interrupts():
            futures = {
                executor.submit(function, *arguments): position
                for position, arguments in enumerate(calls)
            }
        for future in as_completed(futures):
            yield futures[future], future.result()

    try:
        yield Pool(call, compute)
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


def _call_here(
    function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[int, Any]]:
    for position, arguments in enumerate(calls):
        yield position, function(*arguments)


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
