"""An LSTM over a sentence's words makes its vector; the window's vectors decide together."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from segclf.heads.mlp import MLP


class WordLSTM(MLP):
    """A bidirectional LSTM (Hochreiter and Schmidhuber 1997) over frozen word vectors.

    Its last states of both directions, side by side, are the sentence's vector, and the LSTM is
    trained with the classifier over the window.
    """

    reads_words = True

    def __init__(
        self, dim: int, window: int, *, hidden: int = 128, layer: int = 256, dropout: float = 0.3
    ) -> None:
        super().__init__(dim, window, hidden=hidden, layer=layer, dropout=dropout)
        self.lstm = nn.LSTM(hidden, hidden // 2, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)

    def represent(self, vectors: Tensor) -> Tensor:
        """Read sentences, each once: words (s, l, d) to (s, h)."""
        lengths = vectors.any(dim=2).sum(dim=1).clamp(min=1).cpu()  # (s,)
        packed = pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
        words = super().represent(packed.data)  # (t, h)
        _, (states, _) = self.lstm(
            PackedSequence(
                words, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices
            )
        )  # (2, s, h / 2)
        dropped: Tensor = self.dropout(torch.cat([states[0], states[1]], dim=1))  # (s, h)
        return dropped
