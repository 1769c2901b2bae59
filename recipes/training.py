"""A head over windows and a schedule of learning rates, which the recipes of encoders share."""

import math

from torch import Tensor, nn
from torch.nn import functional

from recipes.token_blocks import LEVELS


class WindowMlp(nn.Module):
    """An MLP over windows of sentences in a block.

    Args:
        dim: Length of a sentence vector.
        window: Number of sentences on each side of a candidate.
        hidden: Number of hidden units.
    """

    def __init__(self, dim: int, window: int, hidden: int) -> None:
        super().__init__()
        self.window = window
        self.layers = nn.Sequential(
            nn.Linear(2 * window * dim, hidden),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(hidden, LEVELS),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the logits (b, length, LEVELS) for b blocks of vectors (b, length, dim)."""
        padded = functional.pad(vectors, (0, 0, self.window, self.window - 1))
        windows = padded.unfold(1, 2 * self.window, 1).transpose(2, 3).flatten(2)
        logits: Tensor = self.layers(windows)
        return logits


def warmed_up_cosine(steps: int, step: int) -> float:
    """Return the factor of the maximum learning rate at a step, from 0 to `steps` - 1.

    It is a cosine decay times a linear warm-up over the first 4% of the steps.
    """
    warm_up = min(1.0, (step + 1) / (0.04 * steps))
    return warm_up * (1 + math.cos(math.pi * step / steps)) / 2
