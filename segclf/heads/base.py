"""What every head is made of: the projection of each sentence, and the gathering into windows."""

import torch
from torch import Tensor, nn

from segclf.windows import OUTSIDE


class Head(nn.Module):
    """A small network that says how likely a paragraph begins between two sentences.

    A sentence stands in 2w windows, so it is projected once, before it is gathered into them.

    Args:
        dim: length d of a sentence vector.
        hidden: length h of a projected sentence.
        window: sentences w on each side of a candidate.
        dropout: share of the projected numbers left out in training.
    """

    def __init__(self, dim: int, window: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.window = window
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.project = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(dropout))
        self.outside = nn.Parameter(torch.zeros(hidden))

    def standardize_by(self, vectors: Tensor) -> None:
        """Remember mean and standard deviation of the training vectors, (n, d)."""
        self.mean.copy_(vectors.mean(dim=0))
        self.scale.copy_(1 / vectors.std(dim=0).clamp(min=1e-6))

    def gather(self, vectors: Tensor, windows: Tensor) -> Tensor:
        """Project sentences and gather them into windows.

        Args:
            vectors: (s, d) sentence vectors.
            windows: (b, 2w) positions in them, OUTSIDE where there is no sentence.

        Returns:
            (b, 2w, h), a learned vector in place of every sentence that is not there.
        """
        projected = self.project((vectors - self.mean) * self.scale)  # (s, h)
        gathered = projected[windows.clamp(min=0)]  # (b, 2w, h)
        return torch.where((windows == OUTSIDE)[..., None], self.outside, gathered)

    def forward(self, vectors: Tensor, windows: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w) over vectors (s, d)."""
        raise NotImplementedError
