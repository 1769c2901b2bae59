"""Encoders as a workspace remembers them, with what was fitted."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from embedcache import UserError, load_encoder
from embedcache.encoders import LoadedEncoder, SifEncoder
from segclf.workspace import EncoderReference, Workspace, write_json


def load_referenced(
    reference: EncoderReference, workspace: Workspace | None = None
) -> LoadedEncoder:
    """Load the encoder of a corpus or a run, as it was then.

    Args:
        reference: to the encoder.
        workspace: keeps what it was fitted to, if it was fitted.

    Raises:
        UserError: it cannot be loaded, or it has changed.
    """
    encoder = load_encoder(reference.name, pooling=reference.pooling)
    if isinstance(encoder, SifEncoder) and workspace is not None:
        path = _state_path(workspace, reference.fingerprint)
        if path.exists():
            encoder.restore(_read(path)["state"])
    if encoder.fingerprint != reference.fingerprint:
        raise UserError(
            f"the encoder {reference.name} is not what it was: its weights or settings have "
            "changed; embed and train again"
        )
    return encoder


def fit(
    encoder: SifEncoder, sentences: Sequence[str], workspace: Workspace, *, progress: bool = False
) -> None:
    """Fit an encoder, or take what the workspace has of the same fit.

    Args:
        encoder: fitted in place.
        sentences: of the train split. If there are none, the encoder becomes as it was fitted or
            used last in this workspace.
        workspace: keeps what was fitted.
        progress: show a bar on standard error.

    Raises:
        UserError: there is neither a train split nor an earlier fit.
    """
    unfitted = encoder.fingerprint
    if sentences:
        path = _state_path(workspace, encoder.fingerprint_fitted_on(sentences))
        if not path.exists():
            encoder.fit(sentences, progress=progress)
            write_json(path, {"format": 1, "unfitted": unfitted, "state": encoder.state})
    else:
        path = _latest(workspace, unfitted)
    encoder.restore(_read(path)["state"])
    path.touch()  # it is the latest now


def _latest(workspace: Workspace, unfitted: str) -> Path:
    paths = workspace.encoders.glob("*.json")
    for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        if _read(path)["unfitted"] == unfitted:
            return path
    raise UserError(
        "--pooling sif is fitted on the train split, and this corpus has none: embed a corpus with "
        "one first"
    )


def _state_path(workspace: Workspace, fingerprint: str) -> Path:
    return workspace.encoders / f"{fingerprint}.json"


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
