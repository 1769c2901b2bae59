"""The corpus of an experiment: embedding it, or finding it in the workspace."""

from embedcache import UserError
from segclf.corpus import read_corpus
from segclf.corpus.listing import corpus_name as name_of
from segclf.experiments.experiment_files import Experiment
from segclf.tasks.embed import embed
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.corpus_files import corpus_digest
from segclf.workspace.workspace import Workspace


def embed_experiment(
    workspace: Workspace,
    experiment: Experiment,
    *,
    corpus_name: str | None = None,
    progress: bool = False,
) -> str | None:
    """Embed the corpus of an experiment with the encoders of its trials.

    Args:
        workspace: Workspace of the corpus.
        experiment: Experiment, with or without a corpus.
        corpus_name: Name of an embedded corpus, for an experiment without a corpus; None for the
            latest.
        progress: Whether to show a progress bar on standard error.

    Returns:
        Name of the corpus to train on; None for the latest.

    Raises:
        UserError: The text cannot be read, there is no such encoder, the name of the corpus belongs
            to a text from another path, `corpus_name` is given although the experiment has a
            corpus, or there are no trials.
    """
    _check_name(experiment, corpus_name)
    corpus = experiment.corpus
    if corpus is None:
        return corpus_name
    if not experiment.trials:
        raise UserError("the sweep has no trials: give at least one")
    encoders = dict.fromkeys((trial.encoder, trial.pooling) for trial in experiment.trials)
    for encoder, pooling in encoders:
        embedded = embed(
            corpus.path,
            workspace,
            name=corpus.name,
            encoder_name=encoder,
            pooling=pooling,
            options=corpus.options,
            format_name=corpus.format,
            split=corpus.split,
            progress=progress,
        )
    return embedded.name


def find_corpus(
    workspace: Workspace, experiment: Experiment, corpus_name: str | None = None
) -> StoredCorpus | None:
    """Return the corpus that `embed_experiment` would embed, if there is nothing left to embed.

    Args:
        workspace: Workspace of the corpus.
        experiment: Experiment, with or without a corpus.
        corpus_name: Name of an embedded corpus, for an experiment without a corpus; None for the
            latest.

    Returns:
        The corpus; None if the experiment has a corpus that is not embedded with the encoders of
        its trials, or whose text has changed or cannot be read.

    Raises:
        UserError: There is no corpus `corpus_name`, it is given although the experiment has a
            corpus, or the file of the corpus is damaged.
    """
    _check_name(experiment, corpus_name)
    corpus = experiment.corpus
    if corpus is None:
        return workspace.load_corpus(corpus_name)
    name = corpus.name or name_of(corpus.path)
    if name not in workspace.corpus_names():
        return None
    stored = workspace.load_corpus(name)
    try:
        for trial in experiment.trials:
            stored.encoder(trial.encoder, trial.pooling)
        text = read_corpus(
            corpus.path, format_name=corpus.format, options=corpus.options, split=corpus.split
        )
    except UserError:  # not embedded with one of the encoders, or the text cannot be read
        return None
    return stored if stored.digest == corpus_digest([text]) else None


def _check_name(experiment: Experiment, corpus_name: str | None) -> None:
    """Raise UserError if both an experiment and the caller name a corpus."""
    if experiment.corpus and corpus_name is not None:
        raise UserError(
            f"the experiment file already names the corpus {experiment.corpus.path}: leave out "
            "--corpus"
        )
