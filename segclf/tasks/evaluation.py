"""Scores of a model on a split of a corpus."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus import BoundaryType, Corpus, Split
from segclf.corpus.layout import Layout
from segclf.scoring.baselines import baseline_scores
from segclf.scoring.calibration import Reliability, reliability
from segclf.scoring.metrics import Scores, is_collapsed, score, score_at_half
from segclf.tasks.predict import Prediction
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.records import SplitCounts
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace


@dataclass(frozen=True)
class Evaluation:
    """Scores of a run on one split of n sentences.

    Attributes:
        run: Run that was scored.
        corpus: Name of the corpus.
        corpus_digest: Digest of the corpus.
        split: Split of the corpus.
        sentences: Number of sentences in the split.
        boundaries: Number of boundaries in the split.
        scores: Scores at the run's threshold.
        baselines: Scores of the trivial baselines by name.
        collapsed: Whether the run predicts the same class for every candidate.
        predict_seconds: Wall-clock time of the prediction; see `segclf.tasks.predict.Prediction`.
        at_half: Scores at threshold 0.5; see `segclf.scoring.metrics.score_at_half`.
        reliability: Reliability of the probabilities.
        probabilities: (n,) float32 calibrated probability that each sentence begins a paragraph.
        unsaved: Reason why the scores could not be saved in the run's folder; None if they were
            saved or did not have to be saved (see `segclf.tasks.evaluate.evaluate`).
    """

    run: Run
    corpus: str
    corpus_digest: str
    split: Split
    sentences: int
    boundaries: int
    scores: Scores
    baselines: dict[str, Scores]
    collapsed: bool
    predict_seconds: float
    at_half: dict[str, float | bool]
    reliability: Reliability
    probabilities: NDArray[np.float32]
    unsaved: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `segtool eval --json`."""
        record = self.run.record
        return {
            "run": self.run.name,
            "head": record.head,
            "context": record.context,
            "window": record.options.get("window"),
            "reach": record.options.get("reach"),
            "encoder": self.run.encoder.name,
            "corpus": self.corpus,
            "corpus_digest": self.corpus_digest,
            "split": self.split,
            "sentences": self.sentences,
            "boundaries": self.boundaries,
            "threshold": self.run.threshold,
            **self.scores.to_dict(),
            "collapsed": self.collapsed,
            "predict_seconds": self.predict_seconds,
            "at_half": self.at_half,
            "temperature": self.run.temperature,
            "reliability": self.reliability.to_dict(),
            "baselines": {name: scores.to_dict() for name, scores in self.baselines.items()},
        }


def corpus_to_score(
    workspace: Workspace, run: Run, corpus_name: str | None, stored: StoredCorpus | None = None
) -> StoredCorpus:
    """Return the corpus on which a run is scored.

    Args:
        workspace: Workspace of the corpus.
        run: Run to score.
        corpus_name: Name of the corpus; None for the corpus that the run was trained on.
        stored: Corpus, if it is already loaded.

    Raises:
        UserError: There is no such corpus, its file is damaged, or it has changed since the run was
            trained on it.
    """
    stored = stored or workspace.load_corpus(corpus_name or run.record.corpus)
    if corpus_name is None or is_own_corpus(workspace, run, stored.name):
        _check_unchanged(run, stored)
    return stored


def is_own_corpus(workspace: Workspace, run: Run, corpus_name: str) -> bool:
    """Return whether a run is in the workspace and was trained on the corpus with a given name."""
    in_workspace = run.path.resolve().parent == workspace.runs.resolve()
    return in_workspace and corpus_name == run.record.corpus


def _check_unchanged(run: Run, stored: StoredCorpus) -> None:
    if run.record.corpus_digest not in ("", stored.digest):
        raise UserError(
            f"the corpus {stored.name} has changed since {run.name} was trained: train again, or "
            "embed the new text under another --name and evaluate on it with --corpus"
        )


def score_prediction(
    run: Run,
    stored: StoredCorpus,
    split: Split,
    layout: Layout,
    prediction: Prediction,
    predicted: NDArray[np.bool_],
    train: SplitCounts | None = None,
) -> Evaluation:
    """Compare the predictions of a run with the true boundaries of a split.

    Args:
        run: Run that made the predictions, or one head of a model.
        stored: Corpus of the split.
        split: Name of the split.
        layout: Layout of the split's n sentences, with the true boundaries.
        prediction: Probabilities (n,) that the run predicted, and the time of the prediction.
        predicted: (n,) bool, predicted boundaries.
        train: Size of the train split, for the baselines; None for the size in the run record.
    """
    counts = train or run.record.counts["train"]
    probabilities, is_candidate = prediction.probabilities, layout.is_candidate
    return Evaluation(
        run=run,
        corpus=stored.name,
        corpus_digest=stored.digest,
        split=split,
        sentences=len(layout),
        boundaries=int(layout.labels.sum()),
        scores=score(layout, predicted),
        baselines=baseline_scores(
            layout,
            paragraph_length=counts.sentences / max(counts.boundaries, 1),
            rate=(counts.boundaries - counts.documents) / (counts.sentences - counts.documents),
        ),
        collapsed=is_collapsed(layout, predicted),
        predict_seconds=prediction.seconds,
        at_half=score_at_half(layout, probabilities),
        reliability=reliability(probabilities[is_candidate], layout.labels[is_candidate]),
        probabilities=probabilities,
    )


def select_split(stored: StoredCorpus, split: Split, boundary_type: BoundaryType) -> Corpus:
    """Return a split of a corpus, with the boundaries of one type.

    Raises:
        UserError: The corpus has no such split, or the split has no candidates.
    """
    present = splits_to_score(stored.corpus)
    if split not in present:
        lacks = f"{split} split"
        if split in stored.corpus.counts():
            lacks = f"document of at least two sentences in its {lacks}"
        raise UserError(
            f"the corpus {stored.name} has no {lacks}: choose --split from {', '.join(present)}"
        )
    return stored.corpus.of_type(boundary_type).select(split)


def splits_to_score(corpus: Corpus) -> list[Split]:
    """Return the splits with a candidate: a sentence that is not the first one of a document."""
    return [
        split
        for split, counts in corpus.counts().items()
        if counts["sentences"] > counts["documents"]
    ]
