"""Evaluation of a run on a split of a corpus, with trivial baselines for comparison."""

import numpy as np
from numpy.typing import NDArray

from segclf.corpus import Split
from segclf.scoring.decoding import decode
from segclf.tasks.evaluate_model import evaluate_model
from segclf.tasks.evaluation import Evaluation, corpus_to_score, score_prediction, select_split
from segclf.tasks.evaluation_files import read_probabilities, save_evaluation
from segclf.tasks.models import Compute
from segclf.tasks.predict import predict_corpus
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace


def evaluate(
    workspace: Workspace,
    run: Run,
    *,
    split: Split = "test",
    corpus_name: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    progress: bool = False,
    memory: float | None = None,
    stored: StoredCorpus | None = None,
) -> Evaluation:
    """Score a run at the threshold that was chosen on dev.

    If the run is in the workspace and is scored on the corpus that it was trained on, its scores
    and probabilities are saved in its folder, unless the folder is read-only. For a run that
    distinguishes paragraphs from lines, these are the scores for boundaries of any type;
    `evaluate_model` returns those of each type.

    Args:
        workspace: Workspace whose store has vectors of the run's encoder.
        run: Run to score.
        split: Split to score on.
        corpus_name: Name of the corpus; None for the corpus that the run was trained on.
        device: Device for prediction; see `segclf.tasks.models.Compute`.
        threads: Number of CPU threads; see `segclf.tasks.models.Compute`.
        progress: Whether to show a progress bar on standard error.
        memory: Maximum size of the vectors in memory; see `segclf.tasks.models.Compute`.
        stored: Corpus, if it is already loaded.

    Raises:
        StoreError: The store lacks the vectors of the run's encoder.
        UserError: There is no such corpus, it has no such split, the split has no candidates, the
            corpus has changed since the run was trained, the run is damaged, its encoder cannot be
            loaded or has changed, or the device does not exist.
    """
    compute = Compute(device, threads, progress, memory)
    stored = corpus_to_score(workspace, run, corpus_name, stored)
    if run.is_typed:
        return evaluate_model(
            workspace, run, split=split, corpus_name=corpus_name, compute=compute, stored=stored
        ).types["any"]
    part = select_split(stored, split, run.record.boundary_type)
    prediction = predict_corpus(run, part, workspace, compute)
    predicted = decode(part.layout, prediction.probabilities, run.threshold)
    evaluation = score_prediction(run, stored, split, part.layout, prediction, predicted)
    return save_evaluation(workspace, evaluation)


def probabilities_of(
    workspace: Workspace,
    run: Run,
    split: Split,
    stored: StoredCorpus | None = None,
    *,
    device: str | None = None,
    threads: int | None = None,
) -> NDArray[np.float32]:
    """Return the calibrated probabilities (n,) that a run predicts for a split of its corpus.

    Saved probabilities are reused. If there are none, the run is evaluated.

    Args:
        workspace: Workspace of the run.
        run: Run whose probabilities are wanted.
        split: Split of the corpus that the run was trained on.
        stored: Corpus, if it is already loaded.
        device: Device for prediction; see `segclf.tasks.models.Compute`.
        threads: Number of CPU threads; see `segclf.tasks.models.Compute`.

    Raises:
        StoreError: Same as for `evaluate`.
        UserError: Same as for `evaluate`.
    """
    stored = stored or workspace.load_corpus(run.record.corpus)
    probabilities = read_probabilities(run, split, stored)
    if probabilities is not None:
        return probabilities
    return evaluate(
        workspace, run, split=split, device=device, threads=threads, stored=stored
    ).probabilities
