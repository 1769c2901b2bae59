"""Estimates of what a sweep would do and how long it would take, based on earlier runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from segclf.experiments.corpora import find_corpus
from segclf.experiments.experiment_files import Experiment
from segclf.experiments.sweeps import check_compute, default_jobs
from segclf.experiments.trials import find_runs
from segclf.training.options import TrainingOptions
from segclf.workspace.runs import Run, list_runs
from segclf.workspace.workspace import Workspace


@dataclass(frozen=True)
class Estimate:
    """What a sweep would do.

    Attributes:
        corpus: Name of the corpus; None if the sweep would have to embed it first.
        trials: Number of trials.
        done: Number of trials that already have a run.
        jobs: Number of trials that run at the same time.
        seconds: Estimated duration in seconds of the trials that can be estimated, if none stops
            early.
        unknown: Number of trials that cannot be estimated, because there is no earlier run of the
            head, or `corpus` is None.
    """

    corpus: str | None
    trials: int
    done: int
    jobs: int
    seconds: float
    unknown: int


def estimate_sweep(
    workspace: Workspace,
    experiment: Experiment,
    *,
    corpus_name: str | None = None,
    jobs: int | None = None,
    device: str = "cpu",
    threads: int = 1,
) -> Estimate:
    """Estimate a sweep without embedding or training anything.

    The time per sentence and epoch is the mean over earlier runs with the same head, window and
    reach. If there are none, it is the mean over earlier runs with the same head. The time to start
    processes, to score and to embed is not included.

    Args:
        workspace: Workspace of the corpus.
        experiment: Experiment, with or without a corpus.
        corpus_name: Name of an embedded corpus, for an experiment without a corpus; None for the
            latest.
        jobs: See `segclf.experiments.sweeps.sweep`.
        device: See `segclf.experiments.sweeps.sweep`.
        threads: See `segclf.experiments.sweeps.sweep`.

    Raises:
        UserError: A number is out of range, there is no such device or corpus, the file of the
            corpus is damaged, `corpus_name` is given although the experiment has a corpus, or the
            corpus `corpus_name` is not embedded with the encoder of a trial.
    """
    check_compute(jobs, device, threads)
    stored, trials = find_corpus(workspace, experiment, corpus_name), experiment.trials
    done = find_runs(workspace, trials, stored) if stored else {}
    missing = [trial for trial in trials if trial not in done]
    runs = [run for run in list_runs(workspace) if run.kind == "head"]
    sentences = len(stored.corpus.select("train")) if stored else 0
    seconds = [
        rate * sentences * trial.options.epochs if (rate := _rate(trial.options, runs)) else None
        for trial in missing
    ]
    known = [value for value in seconds if value]
    jobs = min(jobs or default_jobs(device, threads), max(len(missing), 1))
    return Estimate(
        corpus=stored.name if stored else None,
        trials=len(trials),
        done=len(done),
        jobs=jobs,
        seconds=sum(known) / jobs,
        unknown=len(missing) - len(known),
    )


def _rate(options: TrainingOptions, runs: Sequence[Run]) -> float | None:
    """Return the mean seconds per sentence and epoch; None if no run with the head has a time."""
    same_head = [run for run in runs if run.record.head == options.head]
    distances = (options.window, options.reach)
    same_distances = [
        run
        for run in same_head
        if (run.record.training_options.window, run.record.training_options.reach) == distances
    ]
    rates = [
        run.record.seconds_per_epoch / run.record.counts["train"].sentences
        for run in same_distances or same_head
        if run.record.seconds_per_epoch
    ]
    return fmean(rates) if rates else None
