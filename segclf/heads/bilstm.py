"""A bidirectional LSTM over the window, read at the two sentences beside the candidate."""

from torch import Tensor, nn

from segclf.heads.base import Head


class BiLSTM(Head):
    """Hochreiter and Schmidhuber 1997, in both directions."""

    def __init__(
        self, dim: int, window: int, *, hidden: int = 128, state: int = 128, dropout: float = 0.3
    ) -> None:
        super().__init__(dim, window, hidden, dropout)
        self.lstm = nn.LSTM(hidden, state, batch_first=True, bidirectional=True)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * state, 1))

    def forward(self, vectors: Tensor, windows: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w) over vectors (s, d)."""
        states, _ = self.lstm(self.gather(vectors, windows))  # (b, 2w, 2 * state)
        beside = states[:, self.window - 1 : self.window + 1].flatten(1)  # (b, 4 * state)
        logits: Tensor = self.classify(beside)  # (b, 1)
        return logits.squeeze(1)
