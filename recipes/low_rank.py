"""A sentence encoder whose weights are trained by low-rank adaptation.

The method is that of Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models".
"""

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import AutoModel

from embedcache.encoders.e5_small_paragraphs import DOWN, UP

_SCALE = 2.0  # of a change; with it, changes of rank 32 can have the learning rate of the heads


class LowRankChange(nn.Module):
    """Adds a low-rank matrix, which is initialized to zero, to a weight matrix (m, n)."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.down = nn.Parameter(torch.randn(rank, columns) / math.sqrt(columns))
        self.up = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the changed weight matrix (m, n)."""
        return weight + _SCALE * self.up @ self.down


class LowRankEncoder(nn.Module):
    """The first layers of a Transformer, with trainable changes, and mean pooling.

    A low-rank change of each weight matrix is trained. The biases and layer normalizations of the
    layers are trained themselves. The embeddings are frozen.

    Args:
        directory: Folder with a Transformer in the Hugging Face format.
        layers: Number of layers.
        rank: Rank of the changes.
    """

    def __init__(self, directory: Path, layers: int, rank: int) -> None:
        super().__init__()
        self.model = AutoModel.from_pretrained(
            directory, num_hidden_layers=layers, add_pooling_layer=False
        )
        self.padding: int = self.model.config.pad_token_id
        self.model.requires_grad_(False)
        linear = {
            name: module
            for name, module in self.model.named_modules()
            if isinstance(module, nn.Linear)
        }
        self._changes: dict[str, LowRankChange] = {}
        for name, module in linear.items():
            change = LowRankChange(module.weight, rank)
            parametrize.register_parametrization(module, "weight", change)
            self._changes[name] = change
        self._one_dimensional = {
            name: parameter
            for name, parameter in self.model.named_parameters()
            if name.startswith("encoder.") and parameter.ndim == 1
        }
        for parameter in self._one_dimensional.values():
            parameter.requires_grad_(True)
        self._before = {
            name: parameter.detach().clone() for name, parameter in self._one_dimensional.items()
        }

    def factors(self) -> list[nn.Parameter]:
        """Return the factors of all low-rank changes."""
        return [factor for change in self._changes.values() for factor in change.parameters()]

    def one_dimensional(self) -> list[nn.Parameter]:
        """Return the biases and the parameters of layer normalizations, which are trained."""
        return list(self._one_dimensional.values())

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the vectors (n, dim) of n sentences, given their padded token ids (n, l)."""
        mask = tokens != self.padding
        states = self.model(tokens, attention_mask=mask.long()).last_hidden_state.float()
        weights = mask[..., None].float()
        vectors: Tensor = (states * weights).sum(dim=1) / weights.sum(dim=1)
        return vectors

    def adapter(self) -> dict[str, NDArray[np.float16]]:
        """Return the changes in float16; see `embedcache.encoders.e5_small_paragraphs.merge`."""
        found = {
            name: parameter.detach().cpu() - self._before[name]  # it is still on the CPU
            for name, parameter in self._one_dimensional.items()
        }
        for name, change in self._changes.items():
            found[f"{name}.weight{DOWN}"] = change.down.detach()
            found[f"{name}.weight{UP}"] = _SCALE * change.up.detach()
        return {name: value.half().cpu().numpy() for name, value in found.items()}
