"""Static vectors: means of token vectors that are distilled from a Transformer.

The method is that of model2vec (Tulkens and van Dongen 2024,
https://github.com/MinishLab/model2vec); see `embedcache.encoders.distillation`. In addition to the
mean over all tokens, as in model2vec, the vector of a sentence contains the mean over its first two
tokens and the mean over its last two tokens; see `embedcache.encoders.token_means`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from embedcache.encoders.base import Encoder
from embedcache.encoders.token_ids import load_tokenizer
from embedcache.encoders.token_means import EDGE, TokenMeansEncoder, TokenVectors
from embedcache.encoders.tokenizer_files import read_json
from embedcache.errors import UserError

VECTORS = "vectors.npy"  # (v, c) float16: a row per token, components by decreasing variance
SETTINGS = "static.json"  # contains the identity of the encoder
COMPONENTS = 128  # maximum number of components of a token vector


def static_identity(transformer: Encoder) -> dict[str, Any]:
    """Return everything that determines the vectors distilled from a Transformer."""
    return {
        "static": 1,
        "components": min(COMPONENTS, transformer.dim),
        "edge": EDGE,
        "max_tokens": None,
        "transformer": transformer.identity,
    }


def is_static(folder: Path) -> bool:
    """Return whether a folder contains a static encoder."""
    return (folder / SETTINGS).is_file()


def open_static(name: str, folder: Path) -> StaticEncoder:
    """Open a static encoder from its folder.

    Raises:
        UserError: The settings are damaged.
    """
    identity = read_json(folder / SETTINGS)
    match identity:
        case {"components": int(), "transformer": {"pooling": _}}:
            pass
        case _:
            raise UserError(f"{folder / SETTINGS} is damaged: copy or download the model again")
    absolute = folder.absolute()  # the working directory may change before the files are read
    return StaticEncoder(name, identity, lambda: absolute)


class StaticEncoder(TokenMeansEncoder):
    """Means of token vectors that were distilled from a Transformer; see `TokenMeansEncoder`.

    The files of the encoder are read when it is first used. Neither torch nor transformers is
    imported, unless the vectors must be distilled first.

    Args:
        name: Name in messages and tables.
        identity: Everything that the vectors depend on; see `static_identity`.
        directory: Function that returns the folder of the encoder.
    """

    def __init__(
        self,
        name: str,
        identity: dict[str, Any],
        directory: Callable[[], Path],
    ) -> None:
        self.name = name
        self.dim = 3 * identity["components"]
        self._identity = identity
        self._directory = directory

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the vectors depend on."""
        return self._identity

    @cached_property
    def directory(self) -> Path:
        """Folder of the encoder. If the vectors do not exist yet, they are distilled.

        Raises:
            UserError: The vectors cannot be distilled from the Transformer.
        """
        return self._directory()

    def _load(self) -> TokenVectors:
        vectors = self._map_vectors()
        columns = (slice(None),) * 3  # all columns for each of the three means
        return TokenVectors(load_tokenizer(self.directory), vectors, columns)

    def _map_vectors(self) -> NDArray[np.float16]:
        """Map the vectors of the tokens into memory: (v, c) float16."""
        path = self.directory / VECTORS
        try:
            vectors = open_memmap(path, mode="r")
            if vectors.dtype != np.float16 or vectors.shape[1:] != (self._identity["components"],):
                raise ValueError("the vectors are those of another encoder")
        except (ValueError, OSError, SyntaxError, TokenError) as error:  # NumPy parses the header
            raise UserError(
                f"{path} cannot be read: copy its folder again, or delete it if it is in the cache"
            ) from error
        return vectors
