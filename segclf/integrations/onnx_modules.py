"""Heads in a form that torch can export: functions of arrays, without branches."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segclf.heads.base import Head, row_indices
from segclf.heads.bilstm import BiLSTM
from segclf.heads.document import DocumentHead
from segclf.heads.document_bilstm import DocumentBiLSTM


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
