"""Trials on a corpus, and their runs in the workspace."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from segclf.experiments.grids import Trial
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.records import Identity
from segclf.workspace.runs import Run, list_runs
from segclf.workspace.workspace import Workspace


def find_runs(
    workspace: Workspace, trials: Sequence[Trial], stored: StoredCorpus
) -> dict[Trial, Run]:
    """Find the existing runs of trials: same corpus, encoder and options.

    The text of a corpus may be embedded under several names. Only runs on the corpus of this name
    count, since only these are compared with each other.
    """
    runs = (run for run in list_runs(workspace) if run.record.corpus == stored.name)
    known = {run.record.identity: run for run in runs}
    identities = {trial: identity_of(stored, trial) for trial in trials}
    return {trial: known[identity] for trial, identity in identities.items() if identity in known}


def identity_of(stored: StoredCorpus, trial: Trial) -> Identity:
    """Return the identity of the run that a trial produces."""
    encoder = stored.encoder(trial.encoder, trial.pooling)
    return Identity.of("head", stored.digest, encoder.fingerprint, asdict(trial.options))


def with_encoder(trial: Trial, stored: StoredCorpus) -> Trial:
    """Return the trial with the name of its encoder: the latest one may change during a sweep."""
    encoder = stored.encoder(trial.encoder, trial.pooling)
    return replace(trial, encoder=encoder.name, pooling=encoder.pooling)
