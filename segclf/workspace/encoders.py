"""Loading the encoders of corpora and runs, and copying their models."""

import shutil
from collections.abc import Sequence
from pathlib import Path

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
from embedcache.encoders.names import STATIC_PREFIX
from embedcache.terminal import progress_bar
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.encoder_states import copy_state, restore_state

DEFAULT_ENCODER = "e5-small-paragraphs+surface"
_FROM_PACKED_FILE = {  # the packed file is a sixth as large as a model that is unpacked from it
    "e5-small": e5_small.model_directory,
    "e5-small-paragraphs": e5_small_paragraphs.model_directory,
}
_NOT_COPIED = ("onnx", "openvino", ".*", "*.md", "*.bin", "*.h5", "*.msgpack", "*.ot")


def load_referenced(
    reference: EncoderReference, *folders: Path, device: str | None = None
) -> Encoder:
    """Load the encoder of a corpus or a run.

    Args:
        reference: Reference to the encoder.
        *folders: Folders that may contain a copy of the encoder's model, or its fitted state.
        device: Device to compute on; see `embedcache.load_encoder`.

    Raises:
        UserError: The encoder cannot be loaded or has changed, or its fitted state is missing or
            damaged.
    """
    return join_encoders([_load_part(part, folders, device) for part in reference.parts])


def _load_part(reference: EncoderReference, folders: Sequence[Path], device: str | None) -> Encoder:
    copies = (folder / _copy_name(reference) for folder in folders)
    copy = next(filter(Path.is_dir, copies), None)
    name = _open_copy(reference, copy) if copy else reference.name
    encoder = load_encoder(name, pooling=reference.pooling, device=device)
    if isinstance(encoder, SifEncoder):
        restore_state(encoder, reference, folders)
    if encoder.fingerprint != reference.fingerprint:
        raise UserError(
            f"the weights or settings of the encoder {reference.name} have changed: embed and "
            "train again"
        )
    return encoder


def _copy_name(reference: EncoderReference) -> str:
    return f"encoder-{reference.fingerprint}"


def _open_copy(reference: EncoderReference, copy: Path) -> str:
    """Prepare a copied model, and return the name with which `load_encoder` loads it."""
    model, layer = split_layer(reference.name)
    if model in _FROM_PACKED_FILE:
        _FROM_PACKED_FILE[model](copy / PACKED_FILE)
        return reference.name
    return STATIC_PREFIX + str(copy) if is_static(copy) else join_layer(str(copy), layer)


def copy_encoder(
    reference: EncoderReference, folder: Path, *sources: Path, progress: bool = False
) -> None:
    """Copy the models and fitted states of an encoder, so that `load_referenced` finds them.

    Encoders that are part of the package, such as `surface` and `static-paragraphs`, are not
    copied.

    Args:
        reference: Reference to the encoder.
        folder: Folder to copy to.
        *sources: Folders that may contain the fitted states.
        progress: Whether to show a progress bar on standard error.

    Raises:
        UserError: The encoder cannot be loaded or has changed, a fitted state is missing or
            damaged, or the encoder cannot be copied: it has word vectors, or its weights are not in
            the safetensors format.
    """
    copy_state(reference, folder, *sources)
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
        shutil.copytree(encoder.directory, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        if not any(copy.rglob("*.safetensors")):
            raise UserError(
                f"the model of {reference.name} is not in the safetensors format: export without "
                "the encoder"
            )
    load_referenced(reference, folder)  # verifies the copy
