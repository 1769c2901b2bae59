"""Beginnings of the documents and paragraphs of a corpus."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Values = TypeVar("Values", np.bool_, np.float32)


@dataclass(frozen=True, eq=False)
class Layout:
    """Positions of m documents and their paragraphs in n sentences.

    The first sentence of a document always begins a paragraph. It is labelled so, whatever label is
    given, and it is not a candidate: no model decides about it, and no score counts it.

    Attributes:
        labels: (n,) bool, whether a paragraph begins with the sentence.
        offsets: (m + 1,) int64; document i consists of the sentences from offsets[i] up to, but not
            including, offsets[i + 1].
        is_candidate: (n,) bool, False for the first sentence of each document.
    """

    labels: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    is_candidate: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        is_candidate = np.ones(len(self), dtype=np.bool_)
        is_candidate[self.offsets[:-1][np.diff(self.offsets) > 0]] = False
        object.__setattr__(self, "is_candidate", is_candidate)
        object.__setattr__(self, "labels", self.mark_document_starts(self.labels))

    def __len__(self) -> int:
        return int(self.offsets[-1])

    @classmethod
    def unlabelled(cls, offsets: NDArray[np.int64]) -> "Layout":
        """Make the layout of documents whose paragraphs are not known."""
        return cls(np.zeros(offsets[-1], dtype=np.bool_), offsets)

    @property
    def documents(self) -> list[tuple[int, int]]:
        """First sentence of each document, and the one after its last."""
        return list(pairwise(self.offsets.tolist()))

    def mark_document_starts(self, values: NDArray[Values]) -> NDArray[Values]:
        """Return a copy in which every document begins with a paragraph.

        Args:
            values: (n,) bool boundaries, or (n,) float32 probabilities of a boundary.

        Returns:
            (n,), with True or 1 at the first sentence of each document.
        """
        copy = values.copy()
        copy[~self.is_candidate] = 1
        return copy
