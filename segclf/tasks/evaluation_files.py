"""The files in which a run keeps its scores.

runs/RUN/eval-SPLIT.json  scores, with a checksum; see `segclf.tasks.evaluation.Evaluation.to_dict`
runs/RUN/eval-SPLIT.npy   (n,) float32, the calibrated probabilities that were scored
"""

import errno
import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from typing_extensions import Required, TypedDict

from embedcache.errors import reason_of
from embedcache.files import write_file
from embedcache.hashing import hash_files
from segclf.corpus import Split
from segclf.tasks.evaluation import Evaluation, is_own_corpus
from segclf.workspace.corpora import StoredCorpus
from segclf.workspace.files import verify_checksum, write_checked_json
from segclf.workspace.records import NamedValues, Number
from segclf.workspace.runs import Run
from segclf.workspace.workspace import Workspace

SCORED_SPLITS: tuple[Split, ...] = ("dev", "test")
"""The splits whose scores a run keeps and a leaderboard shows."""


class _Saved(TypedDict, total=False):
    """Types of the scores in eval-SPLIT.json; files of early versions lack some of them."""

    corpus_digest: str
    precision: Required[Number]
    recall: Required[Number]
    f1: Required[Number]
    pk: Required[Number]
    window_diff: Required[Number]
    at_half: NamedValues
    baselines: dict[str, dict[str, Number]]


_SAVED = TypeAdapter(_Saved)


def save_evaluation(workspace: Workspace, evaluation: Evaluation) -> Evaluation:
    """Save an evaluation in the folder of its run, if the run was trained on the scored corpus.

    Nothing is saved if the run is not in the workspace, or its folder is read-only.

    Returns:
        The evaluation, with the reason if it could not be saved because the folder is read-only.

    Raises:
        OSError: A file cannot be written for another reason.
    """
    if not is_own_corpus(workspace, evaluation.run, evaluation.corpus):
        return evaluation
    return replace(evaluation, unsaved=_save(evaluation))


def _save(evaluation: Evaluation) -> str | None:
    """Save an evaluation in the folder of its run; return the reason if the folder is read-only."""
    scores, probabilities = _files_of(evaluation.run, evaluation.split)
    try:
        _write_array(probabilities, evaluation.probabilities)
        content = evaluation.to_dict() | {"probabilities": hash_files([probabilities])}
        write_checked_json(scores, content, indent=1)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        return f"{evaluation.run.path}: {reason_of(error)}"
    return None


def _files_of(run: Run, split: Split) -> tuple[Path, Path]:
    """Return the paths of the scores and of the probabilities of a run on a split."""
    return run.path / f"eval-{split}.json", run.path / f"eval-{split}.npy"


def _write_array(path: Path, array: NDArray[Any]) -> None:
    """Write a .npy file atomically, without pickle."""
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_file(path, lambda scratch: scratch.write_bytes(buffer.getbuffer()))


def read_evaluation(run: Run, split: Split) -> dict[str, Any] | None:
    """Return the content of eval-SPLIT.json of a run.

    Returns:
        The content; None if the file does not exist, is damaged, or contains scores for a text
        other than the one that the run was trained on.
    """
    path, _ = _files_of(run, split)
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            return None
        verify_checksum(record)
        _SAVED.validate_python(record, strict=True)
    except (ValueError, RecursionError):
        return None
    trained_on = run.record.corpus_digest
    return record if trained_on in ("", record.get("corpus_digest")) else None


def read_probabilities(run: Run, split: Split, stored: StoredCorpus) -> NDArray[np.float32] | None:
    """Return the probabilities that were saved when a run was scored.

    Args:
        run: Run that made the predictions.
        split: Split that was scored.
        stored: Corpus of the split.

    Returns:
        (n,) float32; None if there are none, or if they are damaged or were predicted for another
        text.
    """
    evaluation = read_evaluation(run, split)
    _, path = _files_of(run, split)
    if evaluation is None or evaluation.get("corpus_digest") != stored.digest:
        return None
    if not _has_probabilities(evaluation, path):
        return None
    probabilities: NDArray[np.float32] = np.load(path, allow_pickle=False)
    return probabilities


def _has_probabilities(evaluation: dict[str, Any], probabilities: Path) -> bool:
    """Return whether a file exists and has the probabilities of an evaluation.

    The hash of the file is compared if the evaluation contains one; early versions wrote none.
    """
    if not probabilities.exists():
        return False
    return evaluation.get("probabilities") in (None, hash_files([probabilities]))
