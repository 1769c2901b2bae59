"""multilingual-e5-small, fine-tuned on paragraph boundaries in the works of many authors.

The model consists of the first seven layers of `e5_small` with changed weights. The change of a
matrix has a low rank, as in Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models".
The changes are in the file `e5_small_paragraphs.safetensors`, which `recipes.encoder` makes. The
training texts were Japanese, English, French, German and Spanish.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache.cache import cached_directory
from embedcache.encoders import e5_small
from embedcache.encoders.e5_small_file import read_packed_file
from embedcache.encoders.model_settings import ModelSettings, check_layer
from embedcache.hashing import hash_files

ADAPTER = Path(__file__).with_suffix(".safetensors")
LAYERS = 7
DOWN, UP = ".down", ".up"  # suffixes of the names of the factors of a change, up @ down


def model_directory(packed_file: Path | None = None) -> Path:
    """Return the folder of the model in the format of Hugging Face; the first call creates it.

    Args:
        packed_file: File with the weights of e5-small; see `e5_small.model_directory`.

    Raises:
        UserError: The packed file cannot be obtained, or its content is wrong.
        OSError: A file cannot be read or written.
    """
    digest = hash_files([ADAPTER]).rpartition(":")[2]
    return cached_directory(
        f"e5-small-paragraphs-{digest[:8]}",
        lambda folder: _unpack(read_packed_file(packed_file), folder),
    )


def settings(pooling: str | None = None, layer: int | None = None) -> ModelSettings:
    """Return the settings of the model, which need not be unpacked.

    Args:
        pooling: Pooling of the last layer; None for the mean.
        layer: Layer after which the model is truncated; None for all seven layers.

    Raises:
        UserError: The model does not have the layer.
    """
    if layer is not None:
        check_layer(layer, LAYERS)
    base = e5_small.settings(pooling, LAYERS if layer is None else layer)
    identity = base.identity | {"adapter": hash_files([ADAPTER])}
    return replace(base, identity=identity, layer=layer)


def _unpack(packed: bytes, directory: Path) -> None:
    from safetensors.numpy import load_file

    model = e5_small.read_packed(packed)
    e5_small.write_transformer(
        directory,
        replace(
            model,
            config=model.config | {"num_hidden_layers": LAYERS},
            weights=merge(model.weights, load_file(ADAPTER)),
        ),
    )


def merge(
    weights: dict[str, NDArray[np.float32]], adapter: dict[str, NDArray[Any]]
) -> dict[str, NDArray[np.float32]]:
    """Add the changes in an adapter to weights.

    Args:
        weights: Weights of the whole model, by name.
        adapter: Changes by the name of the weight. The change to a matrix (m, n) is the product of
            NAME.up (m, rank) and NAME.down (rank, n); other changes are added as they are.

    Returns:
        The weights of the embeddings and of the first seven layers.
    """
    removed = tuple(f"encoder.layer.{i}." for i in range(LAYERS, e5_small.LAYERS))
    merged = {name: value for name, value in weights.items() if not name.startswith(removed)}
    for name, change in adapter.items():
        if name.endswith(DOWN):
            target = name.removesuffix(DOWN)
            up = adapter[target + UP].astype(np.float32)
            merged[target] = merged[target] + up @ change.astype(np.float32)
        elif not name.endswith(UP):
            merged[name] = merged[name] + change.astype(np.float32)
    return merged
