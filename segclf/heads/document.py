"""Base class of heads that read whole documents."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segclf.heads.base import BaseHead, Dropout
from segclf.inputs.crop_batches import CropBatches
from segclf.inputs.examples import Examples


class DocumentHead(BaseHead):
    """A head that reads all sentences of a document at once.

    The documents of a batch are padded to the length of the longest. A subclass computes a state
    for each sentence in `encode`; a candidate is classified from the states of the sentences on
    either side of it.

    Args:
        dim: Length d of a sentence vector.
        hidden: Length h of a projected sentence.
        width: Length of a state.
        dropout: Dropout rate of the projection and of the classifier.
    """

    def __init__(self, dim: int, hidden: int, width: int, dropout: float) -> None:
        super().__init__(dim, hidden, dropout)
        self.window = None
        self.classify = nn.Sequential(Dropout(dropout), nn.Linear(2 * width, 1))

    def forward(self, vectors: Tensor, offsets: Tensor) -> Tensor:
        """Return the logits of all candidates of some documents.

        Args:
            vectors: (n, d) sentence vectors, one document after another.
            offsets: (m + 1,) offsets of m documents, none of them empty.

        Returns:
            (n - m,) logits, one for every sentence except the first of each document.
        """
        lengths = offsets.diff()[:, None]  # (m, 1)
        inside = torch.arange(int(lengths.max()), device=vectors.device) < lengths  # (m, l)
        projected = self.project_vectors(vectors)  # (n, h)
        padded = projected.new_zeros(*inside.shape, projected.shape[1])
        padded[inside] = projected
        states = self.encode(padded, inside)  # (m, l, width)
        beside = torch.cat([states[:, :-1], states[:, 1:]], dim=2)  # (m, l - 1, 2 * width)
        logits: Tensor = self.classify(beside[inside[:, 1:]])  # (n - m, 1)
        return logits.squeeze(1)

    def encode(self, inputs: Tensor, inside: Tensor) -> Tensor:
        """Compute a state for each sentence from the sentences of its document.

        Args:
            inputs: (m, l, h) projected sentences of m documents, padded with zeros.
            inside: (m, l) bool, False for padding.

        Returns:
            (m, l, width); the states of padding are ignored.
        """
        raise NotImplementedError

    def make_batches(
        self, examples: Examples, batch_size: int, device: str, *, crop: int | None = None
    ) -> CropBatches:
        """Make batches of crops; see `BaseHead.make_batches`."""
        return CropBatches(examples, crop or batch_size, batch_size, device)

    def predict(self, examples: Examples) -> NDArray[np.float32]:
        """Predict a probability for each sentence, one document at a time.

        The probability of the first sentence of a document is 1.
        """
        self.eval()
        device = self.mean.device
        probabilities = np.ones(len(examples.layout), dtype=np.float32)
        with torch.inference_mode():
            for start, stop in examples.layout.documents:
                if stop - start > 1:
                    vectors = torch.from_numpy(examples.vectors[start:stop]).to(device)
                    logits = self(vectors, torch.tensor([0, stop - start], device=device))
                    probabilities[start + 1 : stop] = torch.sigmoid(logits).cpu().numpy()
        return probabilities
