"""Export of a trained model to a folder that can be used without the workspace.

DIR/config.json          record of the run; see `segclf.workspace.records`
DIR/weights.safetensors  weights
DIR/paragraph/           the same for the second head, if the run has a head for paragraphs
DIR/FINGERPRINT.json     fitted state of the encoder, if the encoder was fitted on a corpus
DIR/encoder-FINGERPRINT/ files of the encoder, if the encoder was exported too
DIR/README.md            model card
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedcache import UserError
from embedcache.files import publish, scratch_folder, write_text
from segclf.scoring.metrics import SCORE_NAMES
from segclf.tasks.evaluation_files import SCORED_SPLITS, read_evaluation
from segclf.tasks.model_card import model_card
from segclf.workspace.encoder_states import copy_state
from segclf.workspace.encoders import copy_encoder
from segclf.workspace.files import now, write_checked_json
from segclf.workspace.provenance import versions
from segclf.workspace.records import RunRecord
from segclf.workspace.runs import CONFIGURATION, SECOND_HEAD, WEIGHTS, Run
from segclf.workspace.weights import hash_weights, save_weights
from segclf.workspace.workspace import Workspace

if TYPE_CHECKING:
    from segclf.heads.base import BaseHead

_NOT_EXPORTED = ("history", "machine")  # entries of a record that an exported model does not need


def export(
    run: Run,
    directory: str | PathLike[str],
    workspace: Workspace,
    *,
    with_encoder: bool = False,
    write_more: Callable[[Run, Path], object] | None = None,
    progress: bool = False,
) -> Path:
    """Export a run to a folder that `segtool segment --run DIR` can read on any machine.

    Args:
        run: Run of a head or of a fine-tuned model.
        directory: Folder to create. An existing folder must be empty.
        workspace: Workspace with the fitted state of the encoder, if it has one.
        with_encoder: Whether to copy the encoder's files too, so that the model can be used without
            a download. Word vectors cannot be copied.
        write_more: Function that writes more files for a run into the folder of its weights. It is
            called for the second head of a run too. None if there are no such files.
        progress: Whether to show a progress bar on standard error while the encoder is copied.

    Returns:
        Absolute path of the folder.

    Raises:
        UserError: `directory` is a file or a non-empty folder, the second head is damaged, or the
            encoder cannot be loaded or copied, or it has changed.
    """

    def fill(folder: Path) -> dict[str, Any]:
        shutil.copyfile(run.path / WEIGHTS, folder / WEIGHTS)
        if second := run.runs.get(SECOND_HEAD):
            (folder / SECOND_HEAD).mkdir()
            shutil.copyfile(second.path / WEIGHTS, folder / SECOND_HEAD / WEIGHTS)
            write_checked_json(folder / SECOND_HEAD / CONFIGURATION, _config(second), indent=1)
            if write_more:
                write_more(second, folder / SECOND_HEAD)
        sources = (workspace.encoders, run.path)
        if with_encoder:
            copy_encoder(run.encoder, folder, *sources, progress=progress)
        else:
            copy_state(run.encoder, folder, *sources)
        if write_more:
            write_more(run, folder)
        return _config(run) | {"has_encoder": with_encoder} | _scores(run)

    return _write_model(directory, fill)


def export_head(head: "BaseHead", record: RunRecord, directory: str | PathLike[str]) -> None:
    """Export a head that belongs to no run.

    Args:
        head: Trained head.
        record: Record of the head, without the hash of the weights, the time and the versions.
        directory: Folder to create. An existing folder must be empty.

    Raises:
        UserError: `directory` is a file or a non-empty folder.
    """

    def fill(folder: Path) -> dict[str, Any]:
        save_weights(folder / WEIGHTS, head.state_dict())
        weights = hash_weights(folder / WEIGHTS)
        return replace(record, weights=weights, created=now(), versions=versions()).to_dict()

    _write_model(directory, fill)


def _scores(run: Run) -> dict[str, Any]:
    """Return {"scores": scores by split} for config.json, or {} if the run has not been scored."""
    scores = {
        split: {name: evaluation[name] for name in SCORE_NAMES}
        for split in SCORED_SPLITS
        if (evaluation := read_evaluation(run, split))
    }
    return {"scores": scores} if scores else {}


def _config(run: Run) -> dict[str, Any]:
    record = run.record.to_dict()
    config = {name: value for name, value in record.items() if name not in _NOT_EXPORTED}
    return config | {"kind": run.kind}


def _write_model(directory: str | PathLike[str], fill: Callable[[Path], dict[str, Any]]) -> Path:
    """Write a model folder atomically.

    Args:
        directory: Folder to create. An existing folder must be empty.
        fill: Function that writes the weights and other files into a given folder. It returns the
            content of config.json, from which the model card is made.

    Returns:
        Absolute path of the folder.

    Raises:
        UserError: `directory` is a file or a non-empty folder.
    """
    path = Path(directory).absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} is a file or a non-empty folder: choose another folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(path.parent, path) as scratch:
        config = fill(scratch)
        write_checked_json(scratch / CONFIGURATION, config, indent=1)
        write_text(scratch / "README.md", model_card(path.name, config))
        if path.exists():
            path.rmdir()
        publish(scratch, path)
    return path
