"""Vectors of sentences that are read in parts, for example from a file if they exceed memory."""

import os
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from embedcache.terminal import progress_bar

PART = 1 << 14  # rows that are copied at a time


class Rows(Protocol):
    """Vectors of n sentences, (n, d), of which a range can be read.

    An array is one example. Others read the store or a file.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of sentences n, and length d of a vector or maximum number of words."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the numbers that are read: float32, or int32 for words."""

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        """Read the rows from `rows.start` up to, but not including, `rows.stop`."""


class RowFile:
    """A copy of rows in a temporary file, for training.

    A store keeps vectors in the order in which they were encoded, so the vectors of neighbouring
    sentences are spread over many of its blocks. In this file, they are adjacent, and a batch is
    read in a few pieces. The rows are copied once and in order, `PART` rows at a time.
    The operating system deletes the file when the object is deleted or the process dies.

    Args:
        rows: Rows to copy.
        folder: Folder with enough free space for the file.
        dtype: Dtype of the numbers in the file; None for the dtype of the rows.
        progress: Whether to show a progress bar on standard error.

    Attributes:
        shape: Shape (n, d) of the rows.
        dtype: Dtype of the rows that are read.
        mean: (d,) float64 mean of the rows.
        deviation: (d,) float64 standard deviation of the rows, with n - 1 in the denominator.
    """

    def __init__(
        self,
        rows: Rows,
        folder: Path,
        dtype: np.dtype[Any] | None = None,
        *,
        progress: bool = False,
    ) -> None:
        self.shape, self.dtype = rows.shape, rows.dtype
        self._file_dtype = dtype or rows.dtype
        self._row_bytes = self.shape[1] * self._file_dtype.itemsize
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as the object
        n, d = self.shape
        total, squares = np.zeros(d), np.zeros(d)

        def append(part: NDArray[Any]) -> None:
            self._file.write(np.ascontiguousarray(part, dtype=self._file_dtype).data)
            np.add(total, part.sum(axis=0, dtype=np.float64), out=total)
            np.add(squares, np.einsum("nd,nd->d", part, part, dtype=np.float64), out=squares)

        with progress_bar(n, "sentences", show=progress, description="copying vectors") as bar:
            for start in range(0, n, PART):
                append(rows[start : start + PART])  # a variable would keep it during the next read
                bar.update(min(PART, n - start))
        self._file.flush()
        self.mean = total / max(n, 1)
        variance = (squares - n * self.mean**2) / max(n - 1, 1)
        self.deviation = np.sqrt(variance.clip(min=0))

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        return self.take(np.arange(*rows.indices(self.shape[0])))

    def take(self, positions: NDArray[np.int64]) -> NDArray[Any]:
        """Read the rows (p, d) at positions (p,). Consecutive positions are read at once."""
        out = np.empty((len(positions), self.shape[1]), dtype=self._file_dtype)
        for first, last in _ranges(positions):
            self._file.seek(int(positions[first]) * self._row_bytes)
            self._file.readinto(out[first:last].data)
        return out.astype(self.dtype, copy=False)

    def prefetch(self, positions: NDArray[np.int64]) -> None:
        """Let the operating system read rows in the background, for a later `take`."""
        if hasattr(os, "posix_fadvise"):  # on Linux
            for first, last in _ranges(positions):
                start, size = int(positions[first]) * self._row_bytes, last - first
                descriptor, advice = self._file.fileno(), os.POSIX_FADV_WILLNEED
                os.posix_fadvise(descriptor, start, size * self._row_bytes, advice)


def _ranges(positions: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the start and the end in `positions` (p,) of each range of consecutive values."""
    edges = np.flatnonzero(np.diff(positions) != 1) + 1
    return list(pairwise([0, *edges.tolist(), len(positions)])) if len(positions) else []
