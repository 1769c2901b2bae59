"""Encoders as a workspace remembers them, with what was fitted."""

import json
import re
import shutil
from collections.abc import Iterable, Sequence
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
    TransformerEncoder,
    WordEncoder,
)
from embedcache.encoders.e5_small import model_directory
from embedcache.encoders.e5_small_file import PACKED_FILE, read_packed_file
from embedcache.files import write_json
from segclf.workspace.workspace import JOIN, EncoderReference, Workspace, now, warn_once

DEFAULT_ENCODER = "e5-small:7+surface"
_E5_SMALL = re.compile(r"e5-small(:\d+)?")
_LAYER = re.compile(r":\d+$")
_NOT_NEEDED = ("onnx", "openvino", ".*", "*.md", "*.bin", "*.h5", "*.msgpack", "*.ot")


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
    path = _LAYER.sub("", name.removeprefix(VECTOR_FILE))
    return bool(path) and (Path(path).exists() or Path(name).exists())


def load_referenced(
    reference: EncoderReference, *folders: Path, device: str | None = None
) -> LoadedEncoder:
    """Load the encoder of a corpus or a run, as it was then.

    Args:
        reference: to one encoder.
        folders: that may keep a copy of its model, or what it was fitted to.
        device: see `embedcache.load_encoder`.

    Raises:
        UserError: it cannot be loaded, or it has changed.
    """
    copies = (folder / _copy_name(reference) for folder in folders)
    copy = next(filter(Path.is_dir, copies), None)
    name = _open_copy(reference, copy) if copy else reference.name
    encoder = load_encoder(name, pooling=reference.pooling, device=device)
    if isinstance(encoder, SifEncoder) and (path := state_path(reference, *folders)):
        encoder.restore(_read(path)["state"])
    if encoder.fingerprint != reference.fingerprint:
        raise UserError(
            f"the encoder {reference.name} is not what it was: its weights or settings have "
            "changed; embed and train again"
        )
    return encoder


def copy_encoder(reference: EncoderReference, folder: Path) -> None:
    """Copy an encoder's model into a folder, where `load_referenced` finds it.

    An encoder without a model, such as `surface`, needs no copy.

    Args:
        reference: to one encoder.
        folder: gets a folder with the copy.

    Raises:
        UserError: the encoder cannot be loaded or copied, or has changed.
    """
    encoder = load_referenced(reference, folder)
    if isinstance(encoder, WordEncoder):
        raise UserError(
            f"the word vectors of {reference.name} are not copied: export without the encoder"
        )
    if not isinstance(encoder, TransformerEncoder):
        return
    copy = folder / _copy_name(reference)
    if _E5_SMALL.fullmatch(reference.name):  # its packed file is a sixth of its model's size
        copy.mkdir()
        (copy / PACKED_FILE).write_bytes(read_packed_file())
    else:
        shutil.copytree(encoder.directory, copy, ignore=shutil.ignore_patterns(*_NOT_NEEDED))
        if not any(copy.rglob("*.safetensors")):
            raise UserError(
                f"the model of {reference.name} is not in the safetensors format: export without "
                "the encoder"
            )
    load_referenced(reference, folder)  # verifies the copy


def _copy_name(reference: EncoderReference) -> str:
    return f"encoder-{reference.fingerprint}"


def _open_copy(reference: EncoderReference, copy: Path) -> str:
    """Return the name under which `load_encoder` takes a copied model."""
    if _E5_SMALL.fullmatch(reference.name):
        model_directory(copy / PACKED_FILE)
        return reference.name
    layer = _LAYER.search(reference.name)
    return f"{copy}{layer[0] if layer else ''}"


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
    """Fit an encoder, or restore an earlier fit from the workspace; that fit becomes the latest.

    Args:
        encoder: fitted in place.
        sentences: of the train split. If there are none, the latest fit is restored.
        workspace: keeps the fits.
        progress: show a bar on standard error.

    Raises:
        UserError: there is neither a train split nor an earlier fit.
    """
    unfitted = encoder.fingerprint
    if sentences:
        path = workspace.encoders / f"{encoder.fingerprint_fitted_on(sentences)}.json"
        known = _read_fits([path]) if path.exists() else {}
    else:
        fits = _read_fits(sorted(workspace.encoders.glob("*.json")))
        known = {path: fit for path, fit in fits.items() if fit["unfitted"] == unfitted}
        if not known:
            raise UserError(
                "--pooling sif is fitted on the train split, and this corpus has none: embed a "
                "corpus with one first"
            )
        path = max(known, key=lambda path: str(known[path].get("used", "")))
    if path in known:
        encoder.restore(known[path]["state"])
    else:
        encoder.fit(sentences, progress=progress)
    content = {"format": 1, "used": now(), "unfitted": unfitted, "state": encoder.state}
    write_json(path, content)


def state_path(reference: EncoderReference, *folders: Path) -> Path | None:
    """Return the first file in some folders of what an encoder was fitted to; None without one."""
    paths = (folder / f"{reference.fingerprint}.json" for folder in folders)
    return next(filter(Path.exists, paths), None)


def _read_fits(paths: Iterable[Path]) -> dict[Path, dict[str, Any]]:
    """Read what encoders were fitted to; damaged files are skipped with a warning."""
    fits = {}
    for path in paths:
        try:
            fits[path] = _read(path)
        except UserError as error:
            warn_once(f"skipped: {error}")
    return fits


def _read(path: Path) -> dict[str, Any]:
    """Read what an encoder was fitted to.

    Raises:
        UserError: the file is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict) or not {"unfitted", "state"} <= content.keys():
        raise UserError(f"{path} is damaged: delete it, and embed the corpus again")
    return content
