"""Rows of vectors as tensors: read into memory, or in parts from a file during training."""

import torch
from torch import Tensor

from segclf.inputs.rows import RowFile, Rows


def load(rows: Rows, device: str) -> Tensor | RowFile:
    """Read rows into a tensor on a device; a file is returned unchanged."""
    return rows if isinstance(rows, RowFile) else torch.from_numpy(rows[:]).to(device)


def take(rows: Tensor | RowFile, positions: Tensor, device: str) -> Tensor:
    """Return rows (p, d) on the device; their positions (p,) are on the CPU."""
    if isinstance(rows, RowFile):
        return torch.from_numpy(rows.take(positions.numpy())).to(device)
    return rows[positions.to(device)]


def prefetch(rows: Tensor | RowFile, positions: Tensor) -> None:
    """Begin to read rows at positions (p,) that `take` will need next."""
    if isinstance(rows, RowFile):
        rows.prefetch(positions.numpy())


def moments(rows: Tensor | RowFile) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation (d,) of rows (n, d); the latter is 0 for a single row."""
    if isinstance(rows, RowFile):
        return torch.from_numpy(rows.mean).float(), torch.from_numpy(rows.deviation).float()
    deviation = rows.std(dim=0) if len(rows) > 1 else torch.zeros_like(rows[0])
    return rows.mean(dim=0), deviation
