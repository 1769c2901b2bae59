"""What heads over whole documents share: documents side by side, a state for every sentence."""

import torch
from torch import Tensor, nn

from segclf.heads.base import BaseHead, Dropout


class DocumentHead(BaseHead):
    """A head that reads all sentences of a document at once and decides between each two of them.

    Documents of a batch are padded to the longest; a subclass gives each sentence a state in
    `encode`, and the decision is read off the two states beside the candidate.

    Args:
        dim: length d of a sentence vector.
        hidden: length h of a projected sentence.
        width: length of a state.
        dropout: share of numbers left out in training.
    """

    def __init__(self, dim: int, hidden: int, width: int, dropout: float) -> None:
        super().__init__(dim, hidden, dropout)
        self.window = None
        self.classify = nn.Sequential(Dropout(dropout), nn.Linear(2 * width, 1))

    def forward(self, vectors: Tensor, offsets: Tensor) -> Tensor:
        """Return the logits of all candidates of some documents.

        Args:
            vectors: (n, d) sentence vectors, the documents one after another.
            offsets: (m + 1,) where each of m documents begins, and where the last one ends.

        Returns:
            (n - m,), a logit before every sentence but the first of each document.
        """
        lengths = offsets.diff()[:, None]  # (m, 1)
        inside = torch.arange(int(lengths.max()), device=vectors.device) < lengths  # (m, l)
        projected = self.represent(vectors)  # (n, h)
        padded = projected.new_zeros(*inside.shape, projected.shape[1])
        padded[inside] = projected
        states = self.encode(padded, inside)  # (m, l, width)
        beside = torch.cat([states[:, :-1], states[:, 1:]], dim=2)  # (m, l - 1, 2 * width)
        logits: Tensor = self.classify(beside[inside[:, 1:]])  # (n - m, 1)
        return logits.squeeze(1)

    def encode(self, inputs: Tensor, inside: Tensor) -> Tensor:
        """Give every sentence a state that knows its document and no other.

        Args:
            inputs: (m, l, h) projected sentences of m documents, zeros after their ends.
            inside: (m, l) bool, where there is a sentence.

        Returns:
            (m, l, width); what stands after a document's end is not looked at.
        """
        raise NotImplementedError
