"""A multi-layer perceptron over a window of sentences."""

import torch
from torch import Tensor, nn

from segclf.heads.base import Dropout, Head
from segclf.inputs.sentence_tensors import Sentences


class MLP(Head):
    """A multi-layer perceptron over the concatenated sentences in the window.

    Its input also contains the elementwise product and the absolute difference of the two sentences
    beside the candidate, as in InferSent (Conneau et al. 2017).

    Args:
        dim: Length d of a sentence vector.
        window: Number of sentences w on each side of a candidate.
        hidden: Length h of a projected sentence.
        layer: Number of units in the hidden layer.
        dropout: Dropout rate of the projection and of the hidden layer.
    """

    def __init__(
        self, dim: int, window: int, *, hidden: int = 128, layer: int = 256, dropout: float = 0.5
    ) -> None:
        super().__init__(dim, window, hidden, dropout)
        self.classify = nn.Sequential(
            nn.Linear((2 * window + 2) * hidden, layer),
            nn.GELU(),
            Dropout(dropout),
            nn.Linear(layer, 1),
        )

    def forward(self, sentences: Sentences, windows: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w) over s sentences."""
        return self.classify_windows(self.gather(sentences, windows))

    def classify_windows(self, gathered: Tensor) -> Tensor:
        """Return the logits (b,) of the projected sentences in b windows, (b, 2w, h)."""
        left, right = gathered[:, self.window - 1], gathered[:, self.window]  # (b, h)
        pair = torch.cat([left * right, (left - right).abs()], dim=1)  # (b, 2h)
        logits: Tensor = self.classify(torch.cat([gathered.flatten(1), pair], dim=1))  # (b, 1)
        return logits.squeeze(1)
