"""A Transformer over the window, read at the two sentences beside the candidate."""

import math

import torch
from torch import Tensor, nn

from segclf.heads.base import Head
from segclf.windows import OUTSIDE


class Transformer(Head):
    """Vaswani et al. 2017, with their sinusoidal positions; layer normalisation comes first."""

    def __init__(
        self,
        dim: int,
        window: int,
        *,
        hidden: int = 128,
        layers: int = 2,
        attention_heads: int = 4,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(dim, window, hidden, dropout)
        self.positions: Tensor
        self.register_buffer("positions", sinusoidal_positions(2 * window, hidden))
        layer = nn.TransformerEncoderLayer(
            hidden,
            attention_heads,
            dim_feedforward=2 * hidden,
            dropout=dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.encode = nn.TransformerEncoder(layer, layers, nn.LayerNorm(hidden), False)
        self.classify = nn.Linear(2 * hidden, 1)

    def forward(self, vectors: Tensor, windows: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w) over vectors (s, d)."""
        inputs = self.gather(vectors, windows) + self.positions  # (b, 2w, h)
        states = self.encode(inputs, src_key_padding_mask=windows == OUTSIDE)
        beside = states[:, self.window - 1 : self.window + 1].flatten(1)  # (b, 2h)
        logits: Tensor = self.classify(beside)  # (b, 1)
        return logits.squeeze(1)


def sinusoidal_positions(length: int, dim: int) -> Tensor:
    """Return (length, dim): sines and cosines of wavelengths from 2 pi to 10,000 * 2 pi."""
    position = torch.arange(length)[:, None]
    frequency = torch.exp(torch.arange(0, dim, 2) * (-math.log(10_000.0) / dim))
    table = torch.empty(length, dim)
    table[:, 0::2] = torch.sin(position * frequency)
    table[:, 1::2] = torch.cos(position * frequency)
    return table
