"""Fitting encoders on the train split, and keeping their fitted states in files."""

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from typing_extensions import Required, TypedDict

from embedcache import UserError
from embedcache.encoders import Encoder, SifEncoder
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.files import (
    NewerFormatError,
    check_format,
    now,
    verify_checksum,
    warn_once,
    write_checked_json,
)
from segclf.workspace.records import Count, Number
from segclf.workspace.workspace import Workspace

_FORMAT = 1  # number of the format of files with the fitted state of an encoder


class _State(TypedDict, total=False):
    """Types of a fitted state; see `embedcache.encoders.sif.SifEncoder`."""

    fitted_on: Required[str]
    total: Required[Annotated[int, Field(gt=0)]]
    counts: Required[dict[str, Count]]
    component: Required[list[Number]]


class _Fit(TypedDict):
    """Types of fields in a file with a fitted state."""

    unfitted: str
    state: _State


_FIT = TypeAdapter(_Fit)


def fit(
    encoder: Encoder, sentences: Sequence[str], workspace: Workspace, *, progress: bool = False
) -> None:
    """Fit the parts of an encoder that must be fitted, or restore earlier fits.

    Args:
        encoder: Encoder to fit. It is modified in place.
        sentences: Sentences of the train split. An earlier fit on the same sentences is restored.
            If there are no sentences, the fit that was used last is restored.
        workspace: Workspace that keeps the fitted states.
        progress: Whether to show a progress bar on standard error.

    Raises:
        UserError: A part must be fitted, and there is neither a train split nor an earlier fit.
    """
    for part in encoder.parts:
        if isinstance(part, SifEncoder):
            _fit_part(part, sentences, workspace, progress=progress)


def _fit_part(
    encoder: SifEncoder, sentences: Sequence[str], workspace: Workspace, *, progress: bool
) -> None:
    unfitted = encoder.fingerprint
    if sentences:
        path = workspace.encoders / f"{encoder.fingerprint_fitted_on(sentences)}.json"
        earlier = _read_fits([path] if path.exists() else []).get(path)
    else:
        path, earlier = _latest_fit(workspace, unfitted)
    if earlier:
        encoder.restore(earlier["state"])
    else:
        encoder.fit(sentences, progress=progress)
    content = {"format": _FORMAT, "used": now(), "unfitted": unfitted, "state": encoder.state}
    write_checked_json(path, content)


def _latest_fit(workspace: Workspace, unfitted: str) -> tuple[Path, dict[str, Any]]:
    """Return the file and the content of the fit that was used last.

    Args:
        workspace: Workspace that keeps the fitted states.
        unfitted: Fingerprint of the encoder before the fit.

    Raises:
        UserError: There is no fit of this encoder.
    """
    fits = _read_fits(sorted(workspace.encoders.glob("*.json")))
    matching = {path: content for path, content in fits.items() if content["unfitted"] == unfitted}
    if not matching:
        raise UserError(
            "--pooling sif is fitted on the train split, but this corpus has none: embed a corpus "
            "with a train split first"
        )
    latest = max(matching, key=lambda path: str(matching[path].get("used", "")))
    return latest, matching[latest]


def restore_state(
    encoder: SifEncoder, reference: EncoderReference, folders: Sequence[Path]
) -> None:
    """Restore the fitted state of an encoder.

    Args:
        encoder: Encoder, which is modified in place.
        reference: Reference to the fitted encoder.
        folders: Folders that may contain the state.

    Raises:
        UserError: No folder contains the state, or its file is damaged or has a newer format.
    """
    path = _state_path(reference, folders)
    if path is None:
        raise UserError(
            f"the fitted state of the encoder {reference.name} is missing: embed the corpus again"
        )
    encoder.restore(_read_fit(path)["state"])


def copy_state(reference: EncoderReference, folder: Path, *sources: Path) -> None:
    """Copy the fitted states of the parts of an encoder, as far as there are any.

    Args:
        reference: Reference to the encoder.
        folder: Folder to copy the states to.
        *sources: Folders that may contain the states.
    """
    for part in reference.parts:
        if path := _state_path(part, sources):
            shutil.copyfile(path, folder / path.name)


def _state_path(reference: EncoderReference, folders: Iterable[Path]) -> Path | None:
    """Return the first file with the fitted state of an encoder, or None."""
    paths = (folder / f"{reference.fingerprint}.json" for folder in folders)
    return next(filter(Path.exists, paths), None)


def _read_fits(paths: Iterable[Path]) -> dict[Path, dict[str, Any]]:
    """Read the fitted states of encoders; skip damaged files with a warning."""
    fits = {}
    for path in paths:
        try:
            fits[path] = _read_fit(path)
        except UserError as error:
            warn_once(f"skipped: {error}")
    return fits


def _read_fit(path: Path) -> dict[str, Any]:
    """Read the fitted state of an encoder.

    Raises:
        UserError: The file is damaged or has a newer format.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        check_format(content.get("format", _FORMAT), _FORMAT)
        _FIT.validate_python(content, strict=True)
        verify_checksum(content)
    except NewerFormatError as error:
        raise UserError(f"{path} {error}") from error
    except (ValueError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is damaged: delete it, and embed the corpus again") from error
    return content
