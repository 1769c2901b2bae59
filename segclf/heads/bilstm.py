"""A bidirectional LSTM over the window, read at the two sentences beside the candidate."""

import torch
from torch import Tensor, nn

from segclf.heads.base import Dropout, Head, Sentences
from segclf.heads.recurrence import run_lstm
from segclf.windows import OUTSIDE


class BiLSTM(Head):
    """Hochreiter and Schmidhuber 1997, in both directions.

    The same function as `torch.nn.LSTM` over the window, read at its two middle places, for half of
    the work: each sentence is multiplied with the input weights once, not once a window, and each
    direction stops where it is read.
    """

    def __init__(
        self, dim: int, window: int, *, hidden: int = 128, state: int = 128, dropout: float = 0.3
    ) -> None:
        super().__init__(dim, window, hidden, dropout)
        self.lstm = nn.LSTM(hidden, state, batch_first=True, bidirectional=True)
        self.classify = nn.Sequential(Dropout(dropout), nn.Linear(4 * state, 1))

    def forward(self, sentences: Sentences, windows: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w) over s sentences."""
        rows = self.rows(sentences)
        places = torch.where(windows == OUTSIDE, len(rows) - 1, windows).T  # (2w, b)
        steps, b = self.window + 1, len(windows)
        inward = torch.stack([places, places.flip(0)])[:, :steps].flatten(1)  # (2, steps * b)
        states = run_lstm(self.lstm, rows, inward, steps * [b])[:, -2 * b :]  # of the last two
        (forward_left, forward_right), (backward_right, backward_left) = states.view(2, 2, b, -1)
        beside = torch.cat([forward_left, backward_left, forward_right, backward_right], dim=1)
        logits: Tensor = self.classify(beside)  # (b, 1)
        return logits.squeeze(1)
