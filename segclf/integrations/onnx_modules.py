"""Heads in a form that torch can export: functions of arrays, without branches."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segclf.heads.base import Head, row_indices
from segclf.heads.bilstm import BiLSTM
from segclf.heads.document import DocumentHead
from segclf.heads.document_bilstm import DocumentBiLSTM
from segclf.heads.local_transformer import LocalTransformer
from segclf.heads.wordlstm import WordLSTM


class TracedWindowHead(nn.Module):
    """Computes the calibrated probabilities (b,) of windows (b, 2w) over s vectors (s, d)."""

    def __init__(self, head: Head, temperature: float) -> None:
        super().__init__()
        self.head, self.temperature = head, temperature

    def forward(self, vectors: Tensor, windows: Tensor) -> Tensor:
        """Return the probabilities."""
        head = self.head
        if isinstance(head, BiLSTM):  # its own recurrence cannot be exported
            rows = head.rows(vectors)
            states, _ = head.lstm(F.embedding(row_indices(windows, rows), rows))
            beside = states[:, head.window - 1 : head.window + 1].flatten(1)
            logits = head.classify(beside).squeeze(1)
        else:
            logits = head(vectors, windows)
        return torch.sigmoid(logits / self.temperature)


class TracedDocumentHead(nn.Module):
    """Computes the calibrated probabilities (n - 1,) of a document (n, d).

    The first sentence has none, since it always begins a paragraph.
    """

    def __init__(self, head: DocumentHead, temperature: float) -> None:
        super().__init__()
        self.head, self.temperature = head, temperature

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the probabilities."""
        head = self.head
        projected = head.project_vectors(vectors)[None]
        if isinstance(head, DocumentBiLSTM):
            states, _ = head.lstm(projected)
        else:
            states = head.encode(projected, torch.ones_like(projected[..., 0], dtype=torch.bool))
        logits = head.classify(torch.cat([states[0, :-1], states[0, 1:]], dim=1)).squeeze(1)
        return torch.sigmoid(logits / self.temperature)


class TracedLocalTransformer(nn.Module):
    """Computes the calibrated probabilities of a document in b blocks of r sentences, (b, r, d).

    r is the reach of the head. The last block is padded; `inside`, (b, r) bool, is False for the
    padding. Of the (br - 1,) probabilities, the first n - 1 are those of a document of n sentences;
    the others are those of the padding. The blocks are an input, since a graph cannot divide a
    document into a number of blocks that depends on its length.
    """

    def __init__(self, head: LocalTransformer, temperature: float) -> None:
        super().__init__()
        self.head, self.temperature = head, temperature
        self.distance: Tensor
        distance = torch.arange(-head.reach, 2 * head.reach) - torch.arange(head.reach)[:, None]
        self.register_buffer("distance", distance)  # (r, 3r)

    def forward(self, vectors: Tensor, inside: Tensor) -> Tensor:
        """Return the probabilities."""
        head = self.head
        states = head.project_vectors(vectors.flatten(0, 1))[None]
        for layer in head.layers:
            states = layer(states, inside.flatten()[None], self._attend)
        states = head.norm(states)[0]
        logits = head.classify(torch.cat([states[:-1], states[1:]], dim=1)).squeeze(1)
        return torch.sigmoid(logits / self.temperature)

    def _attend(self, queries: Tensor, keys: Tensor, values: Tensor, inside: Tensor) -> Tensor:
        """Attend as `segclf.heads.local_transformer.local_attention` does."""
        queries, keys, values, inside = (
            states.reshape(-1, self.head.reach, *states.shape[2:])
            for states in (queries, keys, values, inside)
        )
        mask = (self.distance.abs() <= self.head.reach) & _around(inside)[:, None, None]
        mixed = F.scaled_dot_product_attention(
            queries.transpose(1, 2),
            _around(keys).transpose(1, 2),
            _around(values).transpose(1, 2),
            attn_mask=mask | (self.distance == 0),
        )  # (b, a, r, c)
        return mixed.transpose(1, 2).flatten(0, 1)[None]


def _around(blocks: Tensor) -> Tensor:
    """Return each block (b, r, ...) between its neighbours, (b, 3r, ...); missing ones are zero."""
    edge = torch.zeros_like(blocks[:1])
    before, after = torch.cat([edge, blocks[:-1]]), torch.cat([blocks[1:], edge])
    return torch.cat([before, blocks, after], dim=1)


class TracedWordHead(nn.Module):
    """Computes the calibrated probabilities (b,) of windows (b, 2w) over words (s, l).

    The words of s sentences are rows of a table (u + 1, d), padded with its last row. The backward
    direction of the LSTM is exported as a forward LSTM over the reversed words, since padding must
    not come before the words.
    """

    def __init__(self, head: WordLSTM, temperature: float) -> None:
        super().__init__()
        self.head, self.temperature = head, temperature
        self.directions = nn.ModuleList()
        for weights in head.lstm.all_weights:
            lstm = nn.LSTM(head.lstm.input_size, head.lstm.hidden_size, batch_first=True)
            for copied, trained in zip(lstm.parameters(), weights, strict=True):
                copied.data = trained.data
            self.directions.append(lstm)

    def forward(self, words: Tensor, table: Tensor, windows: Tensor) -> Tensor:
        """Return the probabilities."""
        head = self.head
        projected = head.project_vectors(table)
        lengths = (words < len(projected) - 1).sum(dim=1).clamp(min=1)  # (s,)
        step = torch.arange(words.shape[1], device=words.device)
        backwards = words.gather(1, (lengths[:, None] - 1 - step).clamp(min=0))
        last = (lengths - 1)[:, None, None].expand(-1, 1, head.lstm.hidden_size)
        final = [
            lstm(F.embedding(order, projected))[0].gather(1, last).squeeze(1)
            for lstm, order in zip(self.directions, (words, backwards), strict=True)
        ]
        rows = torch.cat([torch.cat(final, dim=1), head.outside[None]])
        logits = head.classify_windows(F.embedding(row_indices(windows, rows), rows))
        return torch.sigmoid(logits / self.temperature)
