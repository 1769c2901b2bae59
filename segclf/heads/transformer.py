"""A Transformer layer over a window of sentences."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segclf.heads.base import Dropout, Head, feed_forward
from segclf.inputs.sentence_tensors import Sentences
from segclf.inputs.windows import OUTSIDE


class Transformer(Head):
    """A Transformer layer with sinusoidal positional encodings (Vaswani et al. 2017).

    Layer normalization precedes attention and feed-forward network (pre-norm, Xiong et al. 2020).
    Only the two sentences beside the candidate are queries; all sentences in the window are keys
    and values. A second layer, in which every sentence is a query, took three times as long and had
    the same score on novels.
    """

    def __init__(
        self,
        dim: int,
        window: int,
        *,
        hidden: int = 128,
        attention_heads: int = 4,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(dim, window, hidden, dropout)
        self.attention_heads = attention_heads
        self.positions: Tensor
        self.register_buffer("positions", sinusoidal_encodings(2 * window, hidden))
        self.normalize = nn.LayerNorm(hidden)
        self.query = nn.Linear(hidden, hidden)
        self.key_value = nn.Linear(hidden, 2 * hidden)
        self.attended = nn.Sequential(nn.Linear(hidden, hidden), Dropout(dropout))
        self.feed_forward = feed_forward(hidden, dropout)
        self.classify = nn.Sequential(nn.LayerNorm(hidden), nn.Flatten(), nn.Linear(2 * hidden, 1))

    def forward(self, sentences: Sentences, windows: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w) over s sentences."""
        inputs = self.gather(sentences, windows) + self.positions  # (b, 2w, h)
        beside = slice(self.window - 1, self.window + 1)
        normalized = self.normalize(inputs)
        query = self._split(self.query(normalized[:, beside]))  # (b, heads, 2, h / heads)
        key, value = map(self._split, self.key_value(normalized).chunk(2, dim=2))
        mask = (windows != OUTSIDE)[:, None, None]  # (b, 1, 1, 2w)
        mixed = F.scaled_dot_product_attention(query, key, value, mask)
        states = inputs[:, beside] + self.attended(mixed.transpose(1, 2).flatten(2))
        states = states + self.feed_forward(states)  # (b, 2, h)
        logits: Tensor = self.classify(states)  # (b, 1)
        return logits.squeeze(1)

    def _split(self, states: Tensor) -> Tensor:
        """Split states (b, n, h) into attention heads: (b, heads, n, h / heads)."""
        return states.reshape(*states.shape[:2], self.attention_heads, -1).transpose(1, 2)


def sinusoidal_encodings(length: int, dim: int) -> Tensor:
    """Return the positional encodings of Vaswani et al. (2017), (length, dim), for an even dim.

    They are sines and cosines with wavelengths from 2 pi to 10,000 * 2 pi.
    """
    position = torch.arange(length)[:, None]
    frequency = torch.exp(torch.arange(0, dim, 2) * (-math.log(10_000.0) / dim))
    table = torch.empty(length, dim)
    table[:, 0::2] = torch.sin(position * frequency)
    table[:, 1::2] = torch.cos(position * frequency)
    return table
