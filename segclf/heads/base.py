"""What heads are made of: the projection of each sentence, and the gathering into windows."""

from typing import ClassVar, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segclf.windows import OUTSIDE


class Words(NamedTuple):
    """Sentences as their words.

    Attributes:
        rows: (s, l) int64, each sentence's words as rows of the table, and behind its last the
            table's own last row.
        table: (u + 1, d) float32, vectors of the u words that occur, each once, and zeros.
    """

    rows: Tensor
    table: Tensor


Sentences: TypeAlias = Tensor | Words  # vectors (s, d), or words


class BaseHead(nn.Module):
    """A small network that says how likely a paragraph begins between two sentences.

    Attributes:
        reads_words: whether sentences come as `Words`, and not as one vector each.
        farthest: standard deviations from the mean at which numbers are cut, so that a rare flag
            does not outshout the rest.

    Args:
        dim: length d of a sentence vector.
        hidden: length h of a projected sentence.
        dropout: share of the projected numbers left out in training.
    """

    reads_words: ClassVar[bool] = False
    farthest: float = 4.0
    window: int | None

    def __init__(self, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.project = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), Dropout(dropout))

    def standardize_by(self, vectors: Tensor) -> None:
        """Remember mean and standard deviation of the training vectors, (n, d)."""
        self.mean.copy_(vectors.mean(dim=0))
        self.scale.copy_(1 / vectors.std(dim=0).clamp(min=1e-6))

    def represent(self, sentences: Sentences) -> Tensor:
        """Standardise and project sentences (s, d), or the table of their words: (s, h)."""
        vectors = sentences.table if isinstance(sentences, Words) else sentences
        standardized = (vectors - self.mean) * self.scale
        projected: Tensor = self.project(standardized.clamp(-self.farthest, self.farthest))
        return projected


class Head(BaseHead):
    """A head that reads a window of sentences around each candidate.

    A sentence stands in 2w windows, so it is projected once, before it is gathered into them.

    Args:
        dim: length d of a sentence vector.
        window: sentences w on each side of a candidate.
        hidden: length h of a projected sentence.
        dropout: share of the projected numbers left out in training.
    """

    window: int

    def __init__(self, dim: int, window: int, hidden: int, dropout: float) -> None:
        super().__init__(dim, hidden, dropout)
        self.window = window
        self.outside = nn.Parameter(torch.zeros(hidden))

    def gather(self, sentences: Sentences, windows: Tensor) -> Tensor:
        """Represent sentences and gather them into windows.

        Args:
            sentences: vectors (s, d), or s sentences' words.
            windows: (b, 2w) positions in them, OUTSIDE where there is no sentence.

        Returns:
            (b, 2w, h), a learned vector in place of every sentence that is not there.
        """
        return take_rows(self.rows(sentences), windows)

    def rows(self, sentences: Sentences) -> Tensor:
        """Represent s sentences, and what stands for OUTSIDE after them: (s + 1, h)."""
        return torch.cat([self.represent(sentences), self.outside[None]])

    def forward(self, sentences: Sentences, windows: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w) over s sentences."""
        raise NotImplementedError


class Dropout(nn.Module):
    """`torch.nn.Dropout`, with one random byte a number, which a CPU draws much faster.

    Args:
        rate: share of the numbers left out, rounded to a multiple of 1 / 256.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.left_out = round(rate * 256)

    def forward(self, numbers: Tensor) -> Tensor:
        """Leave numbers of a tensor of any shape out, in training; scale the others up."""
        if not self.training or not self.left_out:
            return numbers
        if numbers.device.type != "cpu":  # MPS does not draw whole 64-bit integers
            return F.dropout(numbers, self.left_out / 256)
        size = -(-numbers.numel() // 8)
        words = torch.empty(size, dtype=torch.int64, device=numbers.device)
        words.random_(torch.iinfo(torch.int64).min, None)
        bytes_ = words.view(torch.uint8)[: numbers.numel()].view(numbers.shape)
        return numbers * (bytes_ >= self.left_out) * (256 / (256 - self.left_out))


def feed_forward(hidden: int, dropout: float) -> nn.Sequential:
    """Make the feed-forward half of a Transformer layer: (..., h) to what is added to it."""
    return nn.Sequential(
        nn.LayerNorm(hidden),
        nn.Linear(hidden, 2 * hidden),
        nn.GELU(),
        Dropout(dropout),
        nn.Linear(2 * hidden, hidden),
        Dropout(dropout),
    )


def take_rows(rows: Tensor, windows: Tensor) -> Tensor:
    """Gather rows (s + 1, h) into windows (...): (..., h); OUTSIDE takes the last row.

    An embedding's gradient is a parallel sum on a CPU, that of indexing is not.
    """
    last = len(rows) - 1
    return F.embedding(torch.where(windows == OUTSIDE, last, windows), rows)
