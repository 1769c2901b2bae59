"""An LSTM over the words of each sentence, and an MLP over the window."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segclf.heads.base import Dropout
from segclf.heads.mlp import MLP
from segclf.heads.recurrence import run_lstm
from segclf.inputs.sentence_tensors import Sentences, Words


class WordLSTM(MLP):
    """A bidirectional LSTM (Hochreiter and Schmidhuber 1997) over frozen word vectors, and an MLP.

    The vector of a sentence is the concatenation of the last states in both directions. The LSTM
    and the MLP are trained together. Each distinct word in a batch is projected once.

    Args:
        dim: Length d of a word vector.
        window: Number of sentences w on each side of a candidate.
        hidden: Length h of a projected word, and of the vector of a sentence; an even number.
        layer: Number of units in the hidden layer of the MLP.
        dropout: Dropout rate of the projection, of the sentence vectors and of the hidden layer.
    """

    reads_words = True

    def __init__(
        self, dim: int, window: int, *, hidden: int = 128, layer: int = 256, dropout: float = 0.3
    ) -> None:
        super().__init__(dim, window, hidden=hidden, layer=layer, dropout=dropout)
        self.lstm = nn.LSTM(hidden, hidden // 2, batch_first=True, bidirectional=True)
        self.dropout = Dropout(dropout)

    def represent(self, sentences: Sentences) -> Tensor:
        """Compute a vector for each sentence from its words: (s, h).

        Raises:
            TypeError: The sentences are vectors.
        """
        if not isinstance(sentences, Words):
            raise TypeError("WordLSTM reads words, not sentence vectors")
        projected = self.project_vectors(sentences.table)  # (u + 1, h)
        lengths = (sentences.rows < len(projected) - 1).sum(dim=1).clamp(min=1)  # (s,)
        order = lengths.argsort(descending=True)
        descending = lengths[order]
        indices, sizes = _pack(sentences.rows[order], descending)
        states = run_lstm(self.lstm, projected, indices, sizes.tolist())
        ends = _last_words(descending, sizes)[:, order.argsort()]  # in the order of the sentences
        final = F.embedding(ends, states.flatten(0, 1))  # (2, s, h / 2)
        vectors: Tensor = self.dropout(final.transpose(0, 1).flatten(1))
        return vectors


def _pack(rows: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """List the words of sentences step by step, without padding; see `run_lstm`.

    Args:
        rows: (s, l) rows of the words in the table, longest sentence first.
        lengths: (s,) numbers of words.

    Returns:
        (2, n) rows of all n words, forwards and backwards; and (l,) numbers of sentences that have
        a word at each step.
    """
    step = torch.arange(rows.shape[1], device=rows.device)
    backwards = rows.gather(1, (lengths[:, None] - 1 - step).clamp(min=0))
    inside = lengths[:, None] > step  # (s, l)
    indices = torch.stack([rows.T[inside.T], backwards.T[inside.T]])
    return indices, inside.sum(dim=0)


def _last_words(lengths: Tensor, sizes: Tensor) -> Tensor:
    """Return the positions (2, s) of the last word of each sentence in both packed directions.

    Args:
        lengths: (s,) numbers of words, longest sentence first.
        sizes: (l,) numbers of sentences that have a word at each step.
    """
    first = sizes.cumsum(0) - sizes  # position of the first word of each step
    last = first[lengths - 1] + torch.arange(len(lengths), device=lengths.device)
    return torch.stack([last, last + sizes.sum()])
