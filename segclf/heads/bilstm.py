"""A bidirectional LSTM over the window, read at the two sentences beside the candidate."""

import torch
from torch import Tensor, nn

from segclf.heads.base import Dropout, Head, take_rows


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

    def forward(self, vectors: Tensor, windows: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w) over vectors (s, d)."""
        both = zip(*self.lstm.all_weights, strict=True)  # of each direction
        weight, recurrent, bias, other_bias = (torch.stack(pair) for pair in both)
        rows = self.rows(vectors).expand(2, -1, -1)  # (2, s + 1, h)
        inputs = torch.baddbmm((bias + other_bias)[:, None], rows, weight.mT)  # (2, s + 1, 4k)
        places = windows.T  # (2w, b)
        inward = (places[: self.window + 1], places.flip(0)[: self.window + 1])
        steps = torch.stack([take_rows(inputs[d], inward[d]) for d in (0, 1)], dim=1)
        hidden = cell = None
        states = []
        for gates in steps.unbind():  # (2, b, 4k), w + 1 times
            if hidden is not None:
                gates = torch.baddbmm(gates, hidden, recurrent.mT)
            entry, forget, update, output = gates.view(*gates.shape[:2], 4, -1).unbind(2)
            added = torch.sigmoid(entry) * torch.tanh(update)
            cell = added if cell is None else torch.addcmul(added, torch.sigmoid(forget), cell)
            hidden = torch.sigmoid(output) * torch.tanh(cell)
            states.append(hidden)
        (forward_left, backward_right), (forward_right, backward_left) = states[-2:]
        beside = torch.cat([forward_left, backward_left, forward_right, backward_right], dim=1)
        logits: Tensor = self.classify(beside)  # (b, 1)
        return logits.squeeze(1)
