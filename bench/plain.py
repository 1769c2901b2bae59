"""Plain PyTorch versions of the heads and the training loop, the reference of `bench.training`."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from segclf.heads.transformer import sinusoidal_encodings
from segclf.inputs.examples import Examples
from segclf.inputs.windows import OUTSIDE, windows_of
from segclf.training.options import TrainingOptions

HIDDEN = 128


class Windows(Dataset):
    """One example per candidate: the vectors of its window (2w, d), zero-padded, and its label."""

    def __init__(self, examples: Examples, window: int) -> None:
        layout = examples.layout
        self.vectors = torch.from_numpy(examples.vectors)
        self.windows = torch.from_numpy(windows_of(layout, window)[layout.is_candidate])
        self.labels = torch.from_numpy(layout.labels[layout.is_candidate].astype(np.float32))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        window = self.windows[index]
        return self.vectors[window.clamp(min=0)] * (window != OUTSIDE)[:, None], self.labels[index]


class Projection(nn.Module):
    """Standardize and project each sentence of each window."""

    def __init__(self, vectors: Tensor, dropout: float) -> None:
        super().__init__()
        self.register_buffer("mean", vectors.mean(0))
        self.register_buffer("deviation", vectors.std(0).clamp(min=1e-6))
        self.layer = nn.Sequential(
            nn.Linear(vectors.shape[1], HIDDEN), nn.GELU(), nn.Dropout(dropout)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Project (b, 2w, d): (b, 2w, h)."""
        return self.layer(((inputs - self.mean) / self.deviation).clamp(-4, 4))


class MLP(nn.Module):
    """The head `mlp`, which projects each sentence once per window."""

    def __init__(self, vectors: Tensor, window: int) -> None:
        super().__init__()
        self.window = window
        self.project = Projection(vectors, 0.5)
        self.classify = nn.Sequential(
            nn.Linear((2 * window + 2) * HIDDEN, 256), nn.GELU(), nn.Dropout(0.5), nn.Linear(256, 1)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w, d)."""
        states = self.project(inputs)
        left, right = states[:, self.window - 1], states[:, self.window]
        pair = torch.cat([left * right, (left - right).abs()], 1)
        return self.classify(torch.cat([states.flatten(1), pair], 1)).squeeze(1)


class BiLSTM(nn.Module):
    """The head `bilstm` with `torch.nn.LSTM` over each window; the middle states are classified."""

    def __init__(self, vectors: Tensor, window: int) -> None:
        super().__init__()
        self.window = window
        self.project = Projection(vectors, 0.3)
        self.lstm = nn.LSTM(HIDDEN, HIDDEN, batch_first=True, bidirectional=True)
        self.classify = nn.Sequential(nn.Dropout(0.3), nn.Linear(4 * HIDDEN, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w, d)."""
        states, _ = self.lstm(self.project(inputs))
        return self.classify(states[:, self.window - 1 : self.window + 1].flatten(1)).squeeze(1)


class Transformer(nn.Module):
    """The head `transformer` with `torch.nn.TransformerEncoderLayer`, middle states classified."""

    def __init__(self, vectors: Tensor, window: int) -> None:
        super().__init__()
        self.window = window
        self.project = Projection(vectors, 0.3)
        self.register_buffer("positions", sinusoidal_encodings(2 * window, HIDDEN))
        self.layer = nn.TransformerEncoderLayer(
            HIDDEN, 4, 2 * HIDDEN, 0.3, "gelu", batch_first=True, norm_first=True
        )
        self.classify = nn.Sequential(nn.LayerNorm(HIDDEN), nn.Flatten(), nn.Linear(2 * HIDDEN, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (b,) of windows (b, 2w, d)."""
        outside = (inputs == 0).all(2)
        states = self.layer(self.project(inputs) + self.positions, src_key_padding_mask=outside)
        return self.classify(states[:, self.window - 1 : self.window + 1]).squeeze(1)


HEADS = {"mlp": MLP, "bilstm": BiLSTM, "transformer": Transformer}


class Loop:
    """A model, its data and its optimizer, with the default settings of segtool."""

    def __init__(
        self, head: str, examples: Examples, window: int, seed: int, batch_size: int, epochs: int
    ) -> None:
        torch.manual_seed(seed)
        self.window = window
        self.loader = DataLoader(Windows(examples, window), batch_size, shuffle=True)
        self.model = HEADS[head](torch.from_numpy(examples.vectors), window)
        rate = TrainingOptions.learning_rate
        self.optimizer = torch.optim.AdamW(self.model.parameters(), rate, weight_decay=1e-2)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, rate, epochs * len(self.loader), pct_start=0.1
        )

    def train_epoch(self) -> None:
        """Train one epoch."""
        self.model.train()
        for inputs, labels in self.loader:
            loss = nn.functional.binary_cross_entropy_with_logits(self.model(inputs), labels)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.schedule.step()

    def predict(self, examples: Examples) -> NDArray[np.float32]:
        """Return the boundary probability of each sentence; 1 for the first of a document."""
        self.model.eval()
        probabilities = np.ones(len(examples.layout), dtype=np.float32)
        loader = DataLoader(Windows(examples, self.window), 1024)
        with torch.inference_mode():
            parts = [torch.sigmoid(self.model(inputs)) for inputs, _ in loader]
        probabilities[examples.layout.is_candidate] = torch.cat(parts).numpy()
        return probabilities
