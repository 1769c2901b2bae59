"""Rows of vectors as tensors: read into memory, or in parts from a file during training."""

import torch
from torch import Tensor

from segclf.inputs.rows import RowFile, Rows


def load(rows: Rows, device: str) -> Tensor | RowFile:
    """Read rows into a tensor on a device; a `RowFile` is returned unchanged."""
    return rows if isinstance(rows, RowFile) else torch.from_numpy(rows[:]).to(device)


def take(rows: Tensor | RowFile, positions: Tensor, device: str) -> Tensor:
    """Return the rows (p, d) at positions (p,) on a device; the positions are on the CPU."""
    if isinstance(rows, RowFile):
        return torch.from_numpy(rows.take(positions.numpy())).to(device)
    return rows[positions.to(device)]


def prefetch(rows: Tensor | RowFile, positions: Tensor) -> None:
    """Begin to read the rows of a file at positions (p,), which `take` will need next."""
    if isinstance(rows, RowFile):
        rows.prefetch(positions.numpy())


def moments(rows: Tensor | RowFile) -> tuple[Tensor, Tensor]:
    """Return the mean and the standard deviation, (d,) float32 each, of rows (n, d).

    The standard deviation has n - 1 in the denominator, and is 0 for a single row.
    """
    if isinstance(rows, RowFile):
        return torch.from_numpy(rows.mean).float(), torch.from_numpy(rows.deviation).float()
    deviation = rows.std(dim=0) if len(rows) > 1 else torch.zeros_like(rows[0])
    return rows.mean(dim=0), deviation
