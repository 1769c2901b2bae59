"""Pooling of hidden states without torch, for the most common pooling modules."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache.encoders.model_settings import ModelSettings

_MODES = ("cls", "mean", "max")
_FLAG_PREFIX = "pooling_mode_"  # before the name of a mode in old files


@dataclass(frozen=True)
class TokenPooling:
    """How the hidden states of a sentence are pooled into its vector.

    Attributes:
        mode: "cls" (the first hidden state), "mean" or "max".
        normalize: Whether vectors are scaled to unit length.
    """

    mode: str
    normalize: bool = False

    def pool(self, states: NDArray[np.float32], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        """Pool the hidden states of n sentences.

        Args:
            states: (n, l, d) hidden states, padding included.
            lengths: (n,) number of tokens of each sentence.

        Returns:
            (n, d) float32. The mean of no hidden states is zero.
        """
        vectors = self._pool(states, lengths)
        if self.normalize:
            vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
        return vectors

    def _pool(self, states: NDArray[np.float32], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        if self.mode == "cls":
            return states[:, 0].copy()
        is_token = np.arange(states.shape[1]) < lengths[:, None]
        if self.mode == "max":
            largest: NDArray[np.float32]
            largest = np.where(is_token[..., None], states, np.float32(-np.inf)).max(axis=1)
            return largest
        # a matrix product, which is faster than a sum along the second axis
        weights = (is_token / lengths[:, None].clip(min=1)).astype(np.float32)
        pooled: NDArray[np.float32] = np.matmul(weights[:, None], states)[:, 0]
        return pooled


def find_pooling(directory: Path, settings: ModelSettings) -> TokenPooling | None:
    """Return the pooling of a model; None if this module does not support it.

    Args:
        directory: Folder of the model.
        settings: Settings of the model.

    Returns:
        The pooling. None if the mode is not "cls", "mean" or "max", if the pooling module has no
        mode or several, if it leaves out the prompt (`include_prompt` is false), or if the model
        has modules other than a Transformer, a pooling and then possibly a normalization.
    """
    if settings.pooling is not None:
        return TokenPooling(settings.pooling) if settings.pooling in _MODES else None
    modules = json.loads((directory / "modules.json").read_text(encoding="utf-8"))
    kinds = [module["type"].rsplit(".", 1)[-1] for module in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        return None
    path = directory / modules[1]["path"] / "config.json"
    mode = _pooling_mode(json.loads(path.read_text(encoding="utf-8")))
    return TokenPooling(mode, normalize=bool(kinds[2:])) if mode else None


def _pooling_mode(config: dict[str, Any]) -> str | None:
    """Return the mode in the configuration of a pooling module.

    The result is None if there is no mode, if there are several, if the mode is not in `_MODES`, or
    if `include_prompt` is false. In old files, each mode has a flag, such as
    `pooling_mode_mean_tokens`.
    """
    if not config.get("include_prompt", True):
        return None
    named = config.get("pooling_mode")
    if named is None:
        flags = [name for name in config if name.startswith(_FLAG_PREFIX)]
        named = [name.removeprefix(_FLAG_PREFIX) for name in flags if config[name] is True]
    modes = [named] if isinstance(named, str) else list(named)
    mode = modes[0].removesuffix("_token").removesuffix("_tokens") if len(modes) == 1 else ""
    return mode if mode in _MODES else None
