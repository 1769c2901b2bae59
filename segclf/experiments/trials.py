"""Trials of a corpus: which of them have a run in the workspace."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from segclf.experiments.grids import Trial
from segclf.workspace.records import Identity
from segclf.workspace.runs import Run, list_runs
from segclf.workspace.workspace import StoredCorpus, Workspace


def find_runs(
    workspace: Workspace, trials: Sequence[Trial], stored: StoredCorpus
) -> dict[Trial, Run]:
    """Find the runs of trials in the workspace: same text, same encoder, same options."""
    known = {run.record.identity: run for run in list_runs(workspace)}
    keys = {trial: identity_of(stored, trial) for trial in trials}
    return {trial: known[key] for trial, key in keys.items() if key in known}


def identity_of(stored: StoredCorpus, trial: Trial) -> Identity:
    """Return the identity of the run of a trial."""
    encoder = stored.encoder(trial.encoder, trial.pooling)
    return Identity.of("head", stored.digest, encoder.fingerprint, asdict(trial.options))


def with_encoder(trial: Trial, stored: StoredCorpus) -> Trial:
    """Name the encoder of a trial, since another one may be the latest when the trial starts."""
    encoder = stored.encoder(trial.encoder, trial.pooling)
    return replace(trial, encoder=encoder.name, pooling=encoder.pooling)
