"""A bidirectional LSTM over a window of sentences."""

import torch
from torch import Tensor, nn

from segclf.heads.base import Dropout, Head, row_indices
from segclf.heads.recurrence import run_lstm
from segclf.inputs.sentence_tensors import Sentences


class BiLSTM(Head):
    """A bidirectional LSTM (Hochreiter and Schmidhuber 1997) over the window.

    A candidate is classified from the states of the two sentences beside it. The result is that of
    `torch.nn.LSTM` over the window, at half the cost: each sentence is multiplied by the input
    weights once, not once for each window, and each direction stops at the second of the two
    sentences.

    Args:
        dim: Length d of a sentence vector.
        window: Number of sentences w on each side of a candidate.
        hidden: Length h of a projected sentence.
        state: Length of a state in each direction.
        dropout: Dropout rate of the projection and of the classifier.
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
        indices = row_indices(windows, rows).T  # (2w, b)
        steps, b = self.window + 1, len(windows)
        both = torch.stack([indices, indices.flip(0)])[:, :steps].flatten(1)  # (2, steps * b)
        states = run_lstm(self.lstm, rows, both, steps * [b])[:, -2 * b :]  # of the last two steps
        (forward_left, forward_right), (backward_right, backward_left) = states.view(2, 2, b, -1)
        beside = torch.cat([forward_left, backward_left, forward_right, backward_right], dim=1)
        logits: Tensor = self.classify(beside)  # (b, 1)
        return logits.squeeze(1)
