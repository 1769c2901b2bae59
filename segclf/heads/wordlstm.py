"""An LSTM over a sentence's words makes its vector; the window's vectors decide together."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segclf.heads.base import Dropout, Sentences, Words
from segclf.heads.mlp import MLP
from segclf.heads.recurrence import run_lstm


class WordLSTM(MLP):
    """An LSTM in both directions (Hochreiter and Schmidhuber 1997) over frozen word vectors.

    Its last states, side by side, are the sentence's vector. It is trained with the classifier
    over the window. A word is projected once, however often a batch has it.
    """

    reads_words = True

    def __init__(
        self, dim: int, window: int, *, hidden: int = 128, layer: int = 256, dropout: float = 0.3
    ) -> None:
        super().__init__(dim, window, hidden=hidden, layer=layer, dropout=dropout)
        self.lstm = nn.LSTM(hidden, hidden // 2, batch_first=True, bidirectional=True)
        self.dropout = Dropout(dropout)

    def represent(self, sentences: Sentences) -> Tensor:
        """Read sentences, each once: (s, h).

        Raises:
            TypeError: they are vectors, not words.
        """
        if not isinstance(sentences, Words):
            raise TypeError("this head reads words")
        projected = super().represent(sentences.table)  # (u + 1, h)
        lengths = (sentences.rows < len(projected) - 1).sum(dim=1).clamp(min=1)  # (s,)
        order = lengths.argsort(descending=True)
        rows, lengths = sentences.rows[order], lengths[order, None]
        step = torch.arange(rows.shape[1], device=rows.device)
        backwards = rows.gather(1, (lengths - 1 - step).clamp(min=0))
        going = lengths > step  # (s, l): longest first
        places = torch.stack([rows.T[going.T], backwards.T[going.T]])  # (2, words)
        sizes = going.sum(dim=0)  # (l,)
        states = run_lstm(self.lstm, projected, places, sizes.tolist())
        first = sizes.cumsum(0) - sizes  # of each step
        last = first[lengths[:, 0] - 1] + torch.arange(len(rows), device=rows.device)
        ends = torch.stack([last, last + places.shape[1]])[:, order.argsort()]  # (2, s)
        read = F.embedding(ends, states.flatten(0, 1))  # (2, s, h / 2)
        dropped: Tensor = self.dropout(read.transpose(0, 1).flatten(1))
        return dropped
