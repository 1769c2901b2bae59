"""Base classes and shared layers of heads."""

from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from segclf.inputs.crop_batches import CropBatches
from segclf.inputs.examples import Examples
from segclf.inputs.row_tensors import moments
from segclf.inputs.rows import RowFile
from segclf.inputs.sentence_tensors import Sentences, Words, look_up
from segclf.inputs.window_batches import WindowBatches
from segclf.inputs.windows import OUTSIDE, windows_of

_PREDICT_BATCH = 1024  # sentences in a prediction batch; does not affect results


class BaseHead(nn.Module):
    """A small network on cached vectors that estimates where paragraphs begin.

    Attributes:
        reads_words: Whether sentences are given as `Words` instead of as one vector each.
        clip_sigma: Number of standard deviations from the mean at which features are clipped, so
            that an extreme value does not dominate the others; None for no clipping.
        window: Number of sentences on each side of a candidate; None for heads that read whole
            documents.

    Args:
        dim: Length d of a sentence vector, or of a word vector.
        hidden: Length h of a projected vector.
        dropout: Dropout rate of the projection.
    """

    reads_words: ClassVar[bool] = False
    clip_sigma: float | None = 4.0
    window: int | None

    def __init__(self, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.project = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), Dropout(dropout))

    def standardize_by(self, vectors: Tensor | RowFile) -> None:
        """Store the mean and the inverse standard deviation of training vectors (n, d)."""
        mean, deviation = moments(vectors)
        self.mean.copy_(mean)
        self.scale.copy_(1 / deviation.clamp(min=1e-6))

    def project_vectors(self, vectors: Tensor) -> Tensor:
        """Standardize and project vectors of sentences or words, (n, d) to (n, h)."""
        standardized = (vectors - self.mean) * self.scale
        if self.clip_sigma is not None:
            standardized = standardized.clamp(-self.clip_sigma, self.clip_sigma)
        projected: Tensor = self.project(standardized)
        return projected

    def make_batches(
        self, examples: Examples, batch_size: int, device: str, *, crop: int | None = None
    ) -> WindowBatches | CropBatches:
        """Make the training batches of a split.

        Args:
            examples: Training split.
            batch_size: Approximate number of candidates in a batch.
            device: Device of the batches.
            crop: Maximum number of candidates in a crop of a document; None for the batch size.
                Window heads ignore it.

        Raises:
            UserError: The window of a window head is below 1 or above `MAX_WINDOW`.
        """
        raise NotImplementedError

    def predict(self, examples: Examples) -> NDArray[np.float32]:
        """Put the head into evaluation mode, and predict a probability for each of n sentences.

        Returns:
            (n,) float32, the probability that each sentence begins a paragraph. Only the values of
            candidates are meaningful.

        Raises:
            UserError: The window of a window head is below 1 or above `MAX_WINDOW`.
        """
        raise NotImplementedError


class Head(BaseHead):
    """A head that reads a window of sentences around each candidate.

    Each sentence is part of 2w windows, so it is projected once, before the windows are gathered.

    Args:
        dim: Length d of a sentence vector, or of a word vector.
        window: Number of sentences w on each side of a candidate.
        hidden: Length h of the vector of a sentence in the window.
        dropout: Dropout rate of the projection.
    """

    window: int

    def __init__(self, dim: int, window: int, hidden: int, dropout: float) -> None:
        super().__init__(dim, hidden, dropout)
        self.window = window
        self.outside = nn.Parameter(torch.zeros(hidden))

    def forward(self, sentences: Sentences, windows: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w) over s sentences."""
        raise NotImplementedError

    def gather(self, sentences: Sentences, windows: Tensor) -> Tensor:
        """Project sentences and gather them into windows.

        Args:
            sentences: (s, d) vectors, or words of s sentences.
            windows: (b, 2w) positions of sentences, OUTSIDE beyond the document.

        Returns:
            (b, 2w, h) projected sentences, with a learned vector for OUTSIDE.
        """
        rows = self.rows(sentences)
        # not rows[indices]: on a CPU, torch sums the gradient of indexing in a single thread
        return F.embedding(row_indices(windows, rows), rows)

    def rows(self, sentences: Sentences) -> Tensor:
        """Project s sentences and append the learned vector for OUTSIDE: (s + 1, h)."""
        return torch.cat([self.represent(sentences), self.outside[None]])

    def represent(self, sentences: Sentences) -> Tensor:
        """Project sentence vectors, (s, d) to (s, h). Heads that read words override this.

        Raises:
            TypeError: The sentences are words.
        """
        if isinstance(sentences, Words):
            raise TypeError(f"{type(self).__name__} reads sentence vectors, not words")
        return self.project_vectors(sentences)

    def make_batches(
        self, examples: Examples, batch_size: int, device: str, *, crop: int | None = None
    ) -> WindowBatches:
        """Make batches of windows; see `BaseHead.make_batches`."""
        return WindowBatches(examples, self.window, batch_size, device)

    def predict(self, examples: Examples) -> NDArray[np.float32]:
        """Predict a probability for each sentence, in batches of neighbouring windows."""
        self.eval()
        device = self.mean.device
        table = None if examples.table is None else torch.from_numpy(examples.table).to(device)
        n = len(examples.layout)
        parts = [np.zeros(0, dtype=np.float32)]
        with torch.inference_mode():
            for start in range(0, n, _PREDICT_BATCH):
                stop = min(start + _PREDICT_BATCH, n)
                first, last = max(start - self.window, 0), min(stop + self.window, n)
                windows = windows_of(examples.layout, self.window, start, stop)
                batch = torch.from_numpy(np.where(windows == OUTSIDE, OUTSIDE, windows - first))
                vectors = torch.from_numpy(examples.vectors[first:last]).to(device)
                logits = self(look_up(vectors, table), batch.to(device))
                parts.append(torch.sigmoid(logits).cpu().numpy())
        return np.concatenate(parts)


class Dropout(nn.Module):
    """`torch.nn.Dropout` with one random byte per element, which is much faster on a CPU.

    Args:
        rate: Probability that an element is set to 0, below 1; it is rounded to a multiple of
            1 / 256.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.dropped = round(rate * 256)  # of the 256 values of a byte

    def forward(self, inputs: Tensor) -> Tensor:
        """In training, set random elements of a tensor to 0, and scale up the others."""
        if not self.training or not self.dropped:
            return inputs
        # random bytes are faster only on a CPU, and MPS cannot sample all 64-bit integers
        if inputs.device.type != "cpu":
            return F.dropout(inputs, self.dropped / 256)
        integers = torch.empty(-(-inputs.numel() // 8), dtype=torch.int64)
        integers.random_(torch.iinfo(torch.int64).min, None)
        random_bytes = integers.view(torch.uint8)[: inputs.numel()].view(inputs.shape)
        return inputs * (random_bytes >= self.dropped) * (256 / (256 - self.dropped))


def feed_forward(hidden: int, dropout: float) -> nn.Sequential:
    """Make the feed-forward sublayer of a Transformer layer, (..., h) to (..., h)."""
    return nn.Sequential(
        nn.LayerNorm(hidden),
        nn.Linear(hidden, 2 * hidden),
        nn.GELU(),
        Dropout(dropout),
        nn.Linear(2 * hidden, hidden),
        Dropout(dropout),
    )


def row_indices(windows: Tensor, rows: Tensor) -> Tensor:
    """Replace OUTSIDE in windows (...) with the index of the last of the rows (s + 1, h)."""
    return torch.where(windows == OUTSIDE, len(rows) - 1, windows)
