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
    """Find the existing runs of trials: runs with the same corpus, encoder and options.

    The same text may be embedded under several names. Only runs on the corpus with the name of
    `stored` count, since only these are compared with each other.

    Returns:
        The latest run of each trial that has one.

    Raises:
        UserError: See `identity_of`.
    """
    runs = (run for run in list_runs(workspace) if run.record.corpus == stored.name)
    known = {run.record.identity: run for run in runs}
    identities = {trial: identity_of(stored, trial) for trial in trials}
    return {trial: known[identity] for trial, identity in identities.items() if identity in known}


def identity_of(stored: StoredCorpus, trial: Trial) -> Identity:
    """Return the identity of the run that a trial produces.

    Raises:
        UserError: The corpus is not embedded with the encoder of the trial; see
            `segclf.workspace.corpora.StoredCorpus.encoder`.
    """
    encoder = stored.encoder(trial.encoder, trial.pooling)
    return Identity.of("head", stored.digest, encoder.fingerprint, asdict(trial.options))


def with_encoder(trial: Trial, stored: StoredCorpus) -> Trial:
    """Return the trial with the name and the pooling of its encoder filled in.

    Another encoder may become the latest one of the corpus during a sweep.

    Raises:
        UserError: See `identity_of`.
    """
    encoder = stored.encoder(trial.encoder, trial.pooling)
    return replace(trial, encoder=encoder.name, pooling=encoder.pooling)
