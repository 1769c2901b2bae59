"""An LSTM over a sentence's words makes its vector; the window's vectors decide together."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segclf.heads.base import Dropout
from segclf.heads.mlp import MLP

_GROUP = 32  # sentences of like length: less of them pad less and take more steps


class WordLSTM(MLP):
    """Two LSTMs (Hochreiter and Schmidhuber 1997) over frozen word vectors, one in each direction.

    Their last states, side by side, are the sentence's vector. They are trained with the classifier
    over the window.
    """

    reads_words = True

    def __init__(
        self, dim: int, window: int, *, hidden: int = 128, layer: int = 256, dropout: float = 0.3
    ) -> None:
        super().__init__(dim, window, hidden=hidden, layer=layer, dropout=dropout)
        self.forwards = nn.LSTM(hidden, hidden // 2, batch_first=True)
        self.backwards = nn.LSTM(hidden, hidden // 2, batch_first=True)
        self.dropout = Dropout(dropout)

    def represent(self, vectors: Tensor) -> Tensor:
        """Read sentences, each once: words (s, l, d), zeros behind the last, to (s, h)."""
        place = torch.arange(1, vectors.shape[1] + 1, device=vectors.device)
        lengths = (vectors.any(dim=2) * place).amax(dim=1).clamp(min=1)  # (s,)
        order = lengths.argsort()
        states = [
            self._read(vectors[group, : int(lengths[group[-1]])], lengths[group])
            for group in torch.split(order, _GROUP)
        ]
        dropped: Tensor = self.dropout(torch.cat(states)[order.argsort()])  # (s, h)
        return dropped

    def _read(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        words = super().represent(vectors)  # (s, l, h)
        sentence = torch.arange(len(words), device=words.device)
        last = lengths - 1
        # PackedSequence would do the same, but its backward pass on a CPU is quadratic in l
        reverse = (last[:, None] - torch.arange(words.shape[1], device=words.device)).clamp(min=0)
        ahead, _ = self.forwards(words)  # (s, l, h / 2)
        place = sentence[:, None] * words.shape[1] + reverse
        back, _ = self.backwards(F.embedding(place, words.flatten(0, 1)))
        return torch.cat([ahead[sentence, last], back[sentence, last]], dim=1)
