"""Encoders as a workspace remembers them, with what was fitted."""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from embedcache import UserError, load_encoder
from embedcache.encoders import (
    VECTOR_FILE,
    LoadedEncoder,
    Pooling,
    SifEncoder,
    TokenEncoder,
    TransformerEncoder,
    WordEncoder,
)
from embedcache.encoders.e5_small import model_directory
from embedcache.encoders.e5_small_file import PACKED_FILE, read_packed_file
from segclf.workspace import JOIN, EncoderReference, Workspace, write_json

DEFAULT_ENCODER = "e5-small:7+surface"
_E5_SMALL = re.compile(r"e5-small(:\d+)?")
_LAYER = re.compile(r":\d+$")
_NOT_NEEDED = ("onnx", "openvino", ".*", "*.md", "*.bin", "*.h5", "*.msgpack", "*.ot")


def load_joined(
    name: str, *, pooling: Pooling | None = None, device: str | None = None
) -> list[LoadedEncoder]:
    """Load one encoder, or several whose vectors are to stand side by side.

    Args:
        name: what `embedcache.load_encoder` takes; of several, their names with "+" between them.
        pooling: likewise; of several, that of the first.
        device: likewise.

    Raises:
        UserError: one of them cannot be loaded, or does not give one vector a sentence.
    """
    first, *others = _names_in(name)
    if parted := next((other for other in others if JOIN in other), None):
        raise UserError(f"{parted}: a path with a {JOIN} in it can only come first")
    encoders = [
        load_encoder(first, pooling=pooling, device=device),
        *(load_encoder(other, device=device) for other in others),
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


def load_referenced(reference: EncoderReference, *folders: Path) -> LoadedEncoder:
    """Load the encoder of a corpus or a run, as it was then.

    Args:
        reference: to one encoder.
        folders: that may keep a copy of its model, or what it was fitted to.

    Raises:
        UserError: it cannot be loaded, or it has changed.
    """
    copies = (folder / _copy_name(reference) for folder in folders)
    copy = next(filter(Path.is_dir, copies), None)
    encoder = load_encoder(
        _open_copy(reference, copy) if copy else reference.name, pooling=reference.pooling
    )
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
