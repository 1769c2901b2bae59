"""A bidirectional LSTM over the whole document."""

import math

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from segclf.heads.document import DocumentHead

MEMORY = 256  # sentences that the longest memory lasts at first


class DocumentBiLSTM(DocumentHead):
    """Hochreiter and Schmidhuber 1997, in both directions; O(n), one sentence after another.

    The gates start with memories of one to 256 sentences, evenly in the logarithm: the chrono
    initialisation of Tallec and Ollivier 2018, which draws them evenly and has few short ones.
    Without it the tests' example of an answer fifty sentences away was not learned.
    """

    def __init__(
        self, dim: int, *, hidden: int = 128, state: int = 128, dropout: float = 0.3
    ) -> None:
        super().__init__(dim, hidden, 2 * state, dropout)
        self.lstm = nn.LSTM(hidden, state, batch_first=True, bidirectional=True)
        with torch.no_grad():
            for name in ("bias_ih_l0", "bias_ih_l0_reverse"):
                bias = self.lstm.get_parameter(name)
                remembered = torch.rand(state) * math.log(MEMORY)
                bias[:state] = -remembered  # of the input gates
                bias[state : 2 * state] = remembered  # of the forget gates

    def encode(self, inputs: Tensor, inside: Tensor) -> Tensor:
        """Return the states (m, l, 2 * state) of inputs (m, l, h)."""
        states: Tensor
        if inside.all():  # packing would only cost time
            states, _ = self.lstm(inputs)
            return states
        lengths = inside.sum(dim=1).cpu()
        packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return states
