"""Loading, fitting and copying the encoders of a workspace."""

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from embedcache import UserError, load_encoder
from embedcache.encoders import (
    Encoder,
    SifEncoder,
    StaticEncoder,
    TransformerEncoder,
    WordEncoder,
    e5_small,
    e5_small_paragraphs,
    is_static,
    join_encoders,
    join_layer,
    split_layer,
)
from embedcache.encoders.e5_small_file import PACKED_FILE, read_packed_file
from embedcache.encoders.names import STATIC
from embedcache.terminal import progress_bar
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.files import (
    NewerFormatError,
    check_format,
    now,
    verify_checksum,
    warn_once,
    write_checked_json,
)
from segclf.workspace.workspace import Workspace

DEFAULT_ENCODER = "e5-small-paragraphs+surface"
_FORMAT = 1  # of a file with the fitted state of an encoder
_FROM_PACKED_FILE = {  # the packed file has a sixth of the size of the models that are made from it
    "e5-small": e5_small.model_directory,
    "e5-small-paragraphs": e5_small_paragraphs.model_directory,
}
_NOT_NEEDED = ("onnx", "openvino", ".*", "*.md", "*.bin", "*.h5", "*.msgpack", "*.ot")


def load_referenced(
    reference: EncoderReference, *folders: Path, device: str | None = None
) -> Encoder:
    """Load the encoder of a corpus or a run.

    Args:
        reference: Reference to the encoder.
        folders: Folders that may contain a copy of the encoder's model, or its fitted state.
        device: Device to compute on; see `embedcache.load_encoder`.

    Raises:
        UserError: The encoder cannot be loaded, or it has changed.
    """
    return join_encoders([_load_part(part, folders, device) for part in reference.parts])


def _load_part(reference: EncoderReference, folders: Sequence[Path], device: str | None) -> Encoder:
    copies = (folder / _copy_name(reference) for folder in folders)
    copy = next(filter(Path.is_dir, copies), None)
    name = _open_copy(reference, copy) if copy else reference.name
    encoder = load_encoder(name, pooling=reference.pooling, device=device)
    if isinstance(encoder, SifEncoder) and (path := _state_path(reference, folders)):
        encoder.restore(_read_fit(path)["state"])
    if encoder.fingerprint != reference.fingerprint:
        raise UserError(
            f"the weights or settings of the encoder {reference.name} have changed: embed and "
            "train again"
        )
    return encoder


def copy_encoder(reference: EncoderReference, folder: Path, *, progress: bool = False) -> None:
    """Copy the models of an encoder into a folder, where `load_referenced` finds them.

    An encoder without a model, such as `surface`, needs no copy.

    Args:
        reference: Reference to the encoder.
        folder: Folder to copy the models to. It contains the encoder's fitted state, if any.
        progress: Whether to show a progress bar on standard error.

    Raises:
        UserError: The encoder cannot be loaded or copied, or it has changed.
    """
    parts = reference.parts
    with progress_bar(len(parts), "encoders", show=progress, description="copying") as bar:
        for part in parts:
            _copy_part(part, folder)
            bar.update()


def _copy_part(reference: EncoderReference, folder: Path) -> None:
    encoder = load_referenced(reference, folder)
    if isinstance(encoder, WordEncoder):
        raise UserError(
            f"the word vectors of {reference.name} cannot be copied: export without the encoder"
        )
    if not isinstance(encoder, (TransformerEncoder, StaticEncoder)):
        return
    copy = folder / _copy_name(reference)
    model, _ = split_layer(reference.name)
    if isinstance(encoder, StaticEncoder):
        shutil.copytree(encoder.directory, copy)
    elif model in _FROM_PACKED_FILE:
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


def copy_state(reference: EncoderReference, folder: Path, *sources: Path) -> None:
    """Copy the fitted state of an encoder, if it has one.

    Args:
        reference: Reference to the encoder.
        folder: Folder to copy the state to.
        sources: Folders that may contain the state.
    """
    for part in reference.parts:
        if path := _state_path(part, sources):
            shutil.copyfile(path, folder / path.name)


def _copy_name(reference: EncoderReference) -> str:
    return f"encoder-{reference.fingerprint}"


def _open_copy(reference: EncoderReference, copy: Path) -> str:
    """Prepare a copied model, and return the name with which `load_encoder` loads it."""
    model, layer = split_layer(reference.name)
    if model in _FROM_PACKED_FILE:
        _FROM_PACKED_FILE[model](copy / PACKED_FILE)
        return reference.name
    return STATIC + str(copy) if is_static(copy) else join_layer(str(copy), layer)


def stored_vectors(workspace: Workspace, fingerprint: str) -> dict[str, Any] | None:
    """Describe the vectors of an encoder in the store of a workspace.

    Returns:
        `rows`, the number of vectors; `dtype`, the dtype of the stored numbers; and `precisions`,
        the number of rows computed in each precision. None if the encoder has no vectors there.
    """
    if not workspace.has_store():
        return None
    spaces = {space.fingerprint: space for space in workspace.store().spaces()}
    if fingerprint not in spaces:
        return None
    space = spaces[fingerprint]
    return {"rows": space.rows, "dtype": space.dtype, "precisions": space.precisions}


def fit(
    encoder: Encoder, sentences: Sequence[str], workspace: Workspace, *, progress: bool = False
) -> None:
    """Fit the parts of an encoder that must be fitted, or restore earlier fits.

    Args:
        encoder: Encoder to fit. It is modified in place.
        sentences: Sentences of the train split. If there are none, the fit that was used last is
            restored.
        workspace: Workspace that keeps the fitted states.
        progress: Whether to show a progress bar on standard error.

    Raises:
        UserError: There is neither a train split nor an earlier fit.
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
    matching = {path: fit for path, fit in fits.items() if fit["unfitted"] == unfitted}
    if not matching:
        raise UserError(
            "--pooling sif is fitted on the train split, but this corpus has none: embed a corpus "
            "with a train split first"
        )
    path = max(matching, key=lambda path: str(matching[path].get("used", "")))
    return path, matching[path]


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
        UserError: The file is damaged, or its format is newer than `_FORMAT`.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        check_format(content.get("format", _FORMAT), _FORMAT)
        if not {"unfitted", "state"} <= content.keys():
            raise ValueError
        verify_checksum(content)
    except NewerFormatError as error:
        raise UserError(f"{path} {error}") from error
    except (ValueError, AttributeError) as error:
        raise UserError(f"{path} is damaged: delete it, and embed the corpus again") from error
    return content
