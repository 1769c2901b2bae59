"""Removal of runs, corpora, and folders that killed processes have left in a workspace."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from embedcache import UserError
from embedcache.files import abandoned_folders, remove_abandoned, remove_folder, size_of
from segclf.workspace.choices import match_run
from segclf.workspace.runs import LOCK, RECORD, UNFINISHED, Run, list_runs
from segclf.workspace.workspace import Workspace


@dataclass(frozen=True)
class Removed:
    """A file or a folder that was removed or, in a dry run, would be removed.

    Attributes:
        path: Path of the file or folder.
        bytes: Size of the file, or of all files in the folder, in bytes.
    """

    path: Path
    bytes: int


def remove_runs(
    workspace: Workspace, names: Sequence[str], *, dry_run: bool = False
) -> list[Removed]:
    """Remove runs, and their scores for TensorBoard, from a workspace.

    Args:
        workspace: Workspace of the runs.
        names: Names, numbers or beginnings of names; see `segclf.workspace.choices.match_run`. An
            unfinished run of `segclf.finetune` can only be given by its name.
        dry_run: Whether to remove nothing.

    Returns:
        The folder of each run.

    Raises:
        UserError: There is no such run, several runs begin with a name, or a process is training a
            run. Then nothing is removed.
    """
    runs = list_runs(workspace)
    folders = dict.fromkeys(_folder_of(workspace, name, runs) for name in names)
    removed = [Removed(folder, size_of(folder)) for folder in folders]
    if not dry_run:
        for folder in folders:
            remove_folder(folder)
            shutil.rmtree(workspace.tensorboard / folder.name, ignore_errors=True)
    return removed


def _folder_of(workspace: Workspace, name: str, runs: Sequence[Run]) -> Path:
    folder = workspace.runs / name
    if Path(name).name == name and (folder / UNFINISHED).exists():
        _check_not_in_training(folder)
        return folder
    run = match_run(runs, name)
    if run is None:
        known = ", ".join([*(run.name for run in runs), *unfinished_runs(workspace)])
        raise UserError(f"no run {name!r} in {workspace.path}; existing runs: {known or 'none'}")
    return run.path


def _check_not_in_training(folder: Path) -> None:
    try:
        with FileLock(folder / LOCK, timeout=0):
            pass
    except Timeout as error:
        raise UserError(
            f"{folder.name} is being trained by another process: stop that process first"
        ) from error


def unfinished_runs(workspace: Workspace) -> list[str]:
    """List the names of the runs whose fine-tuning was interrupted or is in progress."""
    paths = sorted(workspace.runs.glob(f"[!.]*/{UNFINISHED}"))
    return [path.parent.name for path in paths if not (path.parent / RECORD).exists()]


def remove_corpora(
    workspace: Workspace, names: Sequence[str], *, dry_run: bool = False
) -> list[Removed]:
    """Remove corpora from a workspace. Their vectors stay in the store.

    Args:
        workspace: Workspace of the corpora.
        names: Names of the corpora.
        dry_run: Whether to remove nothing.

    Returns:
        The file of each corpus.

    Raises:
        UserError: There is no such corpus. Then nothing is removed.
    """
    paths = dict.fromkeys(workspace.corpus_path(name) for name in names)
    removed = [Removed(path, size_of(path)) for path in paths]
    if not dry_run:
        for path in paths:
            path.unlink()
    return removed


def clean(workspace: Workspace, *, dry_run: bool = False) -> list[Removed]:
    """Remove the hidden folders that killed processes have left in a workspace.

    Args:
        workspace: Workspace to clean.
        dry_run: Whether to remove nothing.

    Returns:
        The folders.
    """
    folders = [workspace.path, *(path for path in workspace.path.glob("*") if path.is_dir())]
    folders += [path for path in workspace.runs.glob("[!.]*") if path.is_dir()]
    removed = [
        Removed(path, size_of(path)) for folder in folders for path in abandoned_folders(folder)
    ]
    if not dry_run:
        for folder in folders:
            remove_abandoned(folder)
    return removed
