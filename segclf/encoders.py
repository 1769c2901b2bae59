"""Encoders as a workspace remembers them, with what was fitted."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from embedcache import UserError, load_encoder
from embedcache.encoders import (
    VECTOR_FILE,
    LoadedEncoder,
    Pooling,
    Precision,
    SifEncoder,
    TokenEncoder,
)
from segclf.workspace import JOIN, EncoderReference, Workspace, write_json

DEFAULT_ENCODER = "e5-small:7+surface"


def load_joined(
    name: str,
    *,
    pooling: Pooling | None = None,
    device: str | None = None,
    precision: Precision = "auto",
) -> list[LoadedEncoder]:
    """Load one encoder, or several whose vectors are to stand side by side.

    Args:
        name: what `embedcache.load_encoder` takes; of several, their names with "+" between them.
        pooling: likewise; of several, that of the first.
        device: likewise.
        precision: likewise.

    Raises:
        UserError: one of them cannot be loaded, or does not give one vector a sentence.
    """
    first, *others = _names_in(name)
    if parted := next((other for other in others if JOIN in other), None):
        raise UserError(f"{parted}: a path with a {JOIN} in it can only come first")
    encoders = [
        load_encoder(first, pooling=pooling, device=device, precision=precision),
        *(load_encoder(other, device=device, precision=precision) for other in others),
    ]
    if others and any(isinstance(encoder, TokenEncoder) for encoder in encoders):
        raise UserError("--pooling tokens keeps a sentence's words: nothing can stand beside them")
    return encoders


def _names_in(name: str) -> list[str]:
    """Take a name apart at its "+", but not within the path of a file or folder."""
    names, pieces = [], name.split(JOIN)
    while pieces:
        lengths = range(len(pieces), 0, -1)
        taken = next((n for n in lengths if _is_path(JOIN.join(pieces[:n]))), 1)
        names.append(JOIN.join(pieces[:taken]))
        pieces = pieces[taken:]
    if not all(names):
        raise UserError(f"no encoder {name!r}: name one on each side of a +")
    return names


def _is_path(name: str) -> bool:
    path = re.sub(r":\d+$", "", name.removeprefix(VECTOR_FILE))
    return bool(path) and (Path(path).exists() or Path(name).exists())


def load_referenced(
    reference: EncoderReference, *folders: Path, device: str | None = None
) -> LoadedEncoder:
    """Load the encoder of a corpus or a run, as it was then.

    Args:
        reference: to one encoder.
        folders: that may keep what it was fitted to, if it was fitted.
        device: see `embedcache.load_encoder`.

    Raises:
        UserError: it cannot be loaded, or it has changed.
    """
    encoder = load_encoder(reference.name, pooling=reference.pooling, device=device)
    if isinstance(encoder, SifEncoder) and (path := state_path(reference, *folders)):
        encoder.restore(_read(path)["state"])
    if encoder.fingerprint != reference.fingerprint:
        raise UserError(
            f"the encoder {reference.name} is not what it was: its weights or settings have "
            "changed; embed and train again"
        )
    return encoder


def stored_vectors(workspace: Workspace, fingerprint: str) -> dict[str, Any] | None:
    """Describe the vectors that a workspace's store has of an encoder; None without any.

    Returns:
        `rows`, the number of vectors; `dtype`, how they are stored; and `precisions`, the number
        of rows computed in each precision.
    """
    if not (workspace.path / "store").exists():
        return None
    spaces = {space.fingerprint: space for space in workspace.store().spaces()}
    if fingerprint not in spaces:
        return None
    found = spaces[fingerprint]
    return {"rows": found.rows, "dtype": found.dtype, "precisions": found.precisions}


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
        path = workspace.encoders / f"{encoder.fingerprint_fitted_on(sentences)}.json"
        if not path.exists():
            encoder.fit(sentences, progress=progress)
            write_json(path, {"format": 1, "unfitted": unfitted, "state": encoder.state})
    else:
        path = _latest(workspace, unfitted)
    encoder.restore(_read(path)["state"])
    path.touch()  # it is the latest now


def state_path(reference: EncoderReference, *folders: Path) -> Path | None:
    """Return the first file in some folders of what an encoder was fitted to; None without one."""
    paths = (folder / f"{reference.fingerprint}.json" for folder in folders)
    return next(filter(Path.exists, paths), None)


def _latest(workspace: Workspace, unfitted: str) -> Path:
    paths = workspace.encoders.glob("*.json")
    for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        if _read(path)["unfitted"] == unfitted:
            return path
    raise UserError(
        "--pooling sif is fitted on the train split, and this corpus has none: embed a corpus with "
        "one first"
    )


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
