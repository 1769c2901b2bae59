"""Score a run on a split it has not seen, beside answers that look at no sentence."""

from dataclasses import dataclass
from typing import Any

from embedcache import UserError
from segclf.baselines import baseline_scores
from segclf.corpus import Split
from segclf.decoding import decode
from segclf.metrics import Scores, score
from segclf.prediction import predict_corpus
from segclf.runs import Run
from segclf.windows import candidates
from segclf.workspace import StoredCorpus, Workspace, write_json


@dataclass(frozen=True)
class Evaluation:
    """Scores of a run on one split.

    Attributes:
        run: that was scored.
        corpus: name of the corpus.
        split: of the corpus.
        sentences: in it.
        boundaries: in it.
        scores: of the run.
        baselines: of the trivial answers.
        collapsed: whether the run says the same before every sentence.
        predict_seconds: wall-clock time of the pass over the split, see `segclf.prediction`.
    """

    run: Run
    corpus: str
    split: Split
    sentences: int
    boundaries: int
    scores: Scores
    baselines: dict[str, Scores]
    collapsed: bool
    predict_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return what `segtool eval --json` prints."""
        record = self.run.record
        return {
            "run": self.run.name,
            "head": record["options"]["head"],
            "context": self.run.context,
            "window": record["options"]["window"],
            "encoder": record["encoder"]["name"],
            "corpus": self.corpus,
            "split": self.split,
            "sentences": self.sentences,
            "boundaries": self.boundaries,
            "threshold": self.run.threshold,
            **self.scores.to_dict(),
            "collapsed": self.collapsed,
            "predict_seconds": self.predict_seconds,
            "baselines": {name: scores.to_dict() for name, scores in self.baselines.items()},
        }


def evaluate(
    workspace: Workspace,
    run: Run,
    *,
    split: Split = "test",
    corpus_name: str | None = None,
    progress: bool = False,
) -> Evaluation:
    """Score a run; the threshold is the one that dev gave.

    Args:
        workspace: with the run's encoder in its store.
        run: to score.
        split: to score on.
        corpus_name: by default the corpus that the run was trained on.
        progress: show a bar on standard error.

    Raises:
        UserError: the corpus has no such split, or the store lacks the run's encoder.
    """
    stored = workspace.load_corpus(corpus_name or run.record["corpus"])
    part = stored.corpus.select(split)
    if len(part) < 2:
        raise UserError(f"the corpus {stored.name} has no {split} split: {_splits(stored)}")
    prediction = predict_corpus(run, part, workspace, progress=progress)
    predicted = decode(prediction.probabilities, run.threshold, part.offsets)
    decided = predicted[candidates(part.offsets)]
    counts = run.record["counts"]["train"]
    evaluation = Evaluation(
        run=run,
        corpus=stored.name,
        split=split,
        sentences=len(part),
        boundaries=int(part.labels.sum()),
        scores=score(part.labels, predicted, part.offsets),
        baselines=baseline_scores(
            part.labels, part.offsets, counts["boundaries"] / counts["sentences"]
        ),
        collapsed=bool(decided.all() or not decided.any()),
        predict_seconds=prediction.seconds,
    )
    if stored.name == run.record["corpus"]:
        write_json(run.path / f"eval-{split}.json", evaluation.to_dict(), indent=1)
    return evaluation


def _splits(stored: StoredCorpus) -> str:
    return "it has " + ", ".join(stored.corpus.counts())
