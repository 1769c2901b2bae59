"""New runs: writing their records and weights, and naming their folders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedcache.files import publish, scratch_folder
from segclf.training.epochs import Epoch
from segclf.workspace.corpora import EncoderReference, StoredCorpus
from segclf.workspace.files import now, write_checked_json
from segclf.workspace.plots import draw_history
from segclf.workspace.provenance import versions
from segclf.workspace.records import RunRecord, SplitCounts
from segclf.workspace.runs import PLOT, RECORD, SECOND_HEAD, WEIGHTS, Run
from segclf.workspace.weights import hash_weights, save_weights

if TYPE_CHECKING:
    from segclf.heads.base import BaseHead


@dataclass(frozen=True)
class NewRun:
    """A trained head that is not saved yet.

    Attributes:
        record: Record of the run, without the hash of the weights.
        head: Trained head.
    """

    record: RunRecord
    head: "BaseHead"


def new_record(
    stored: StoredCorpus,
    encoder: EncoderReference,
    history: Sequence[Epoch],
    best: Epoch,
    **others: Any,  # noqa: ANN401
) -> RunRecord:
    """Make the record of a run that was just trained.

    Args:
        stored: Corpus of the run.
        encoder: Encoder of the run.
        history: All epochs, beginning with epoch 0, which has the scores before training.
        best: Epoch whose weights were kept.
        **others: Other fields of the record.
    """
    seconds = [epoch.seconds for epoch in history[1:]]
    return RunRecord(
        encoder=encoder,
        threshold=best.calibrated_threshold,
        temperature=best.temperature,
        created=now(),
        corpus=stored.name,
        corpus_digest=stored.digest,
        sentence_rule=stored.sentence_rule,
        language=stored.language,
        text_language=stored.text_language,
        counts={split: SplitCounts(**counts) for split, counts in stored.corpus.counts().items()},
        epochs=len(seconds),
        best_epoch=best.epoch,
        dev={name: getattr(best, name) for name in ("precision", "recall", "f1")},
        seconds_per_epoch=sum(seconds) / len(seconds),
        seconds=sum(seconds),
        history=tuple(history),
        versions=versions(),
        **others,
    )


def save_run(runs: Path, new: NewRun, second: NewRun | None = None) -> Run:
    """Save a trained head as a run.

    Args:
        runs: Folder of the runs.
        new: Trained head and its record.
        second: Head for paragraphs, if the run distinguishes them from lines; otherwise None.
    """
    options = new.record.training_options
    name = str(options.head)
    if options.window is not None:
        name += f"-w{options.window}"
    if options.reach is not None:
        name += f"-r{options.reach}"
    runs.mkdir(parents=True, exist_ok=True)
    with scratch_folder(runs) as scratch:
        record = _write(scratch, new)
        if second:
            (scratch / SECOND_HEAD).mkdir()
            _write(scratch / SECOND_HEAD, second)
        return Run(publish_run(scratch, runs, name), record)


def _write(folder: Path, new: NewRun) -> RunRecord:
    """Write a head to the folder of its run, and return its record with the hash of the weights."""
    save_weights(folder / WEIGHTS, new.head.state_dict())
    record = replace(new.record, weights=hash_weights(folder / WEIGHTS))
    if record.history:
        draw_history(record, folder / PLOT)
    write_checked_json(folder / RECORD, record.to_dict(), indent=1)
    return record


def publish_run(content: Path, runs: Path, name: str) -> Path:
    """Move a new run into the folder of the runs, and return its path.

    Its name is the first of NAME-001, NAME-002, ... that is not in use.

    Args:
        content: Scratch folder with the files of the run, in the folder of the runs.
        runs: Folder of the runs.
        name: Name of the run without its number.

    Raises:
        OSError: The folder cannot be moved.
    """
    number = 0
    while True:
        number += 1
        path = runs / f"{name}-{number:03d}"
        if path.exists():
            continue
        try:
            publish(content, path)
        except OSError:
            if not path.exists():  # otherwise, another process took the name
                raise
        else:
            return path
