"""Where the documents and paragraphs of a corpus begin."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = TypeVar("Values", np.bool_, np.float32)


@dataclass(frozen=True, eq=False)
class Layout:
    """Positions of m documents and their paragraphs among n sentences.

    The first sentence of a document always begins a paragraph. It is labelled accordingly, even if
    another label is given. It is not a candidate: no model predicts it, and no score counts it.

    Attributes:
        labels: (n,) bool, whether each sentence begins a paragraph.
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
        """Positions of each document: its first sentence, and the one after its last sentence."""
        return list(pairwise(self.offsets.tolist()))

    @property
    def has_both_classes(self) -> bool:
        """Whether some candidates, but not all of them, begin a paragraph."""
        labels = self.labels[self.is_candidate]
        return bool(labels.any() and not labels.all())

    def mark_last(self, share: float) -> NDArray[np.bool_]:
        """Mark the last sentences of each document.

        Args:
            share: Share of each document's sentences to mark, between 0 and 1. The number of
                sentences is rounded.

        Returns:
            (n,) bool, True for the marked sentences.
        """
        marked = np.zeros(len(self), dtype=np.bool_)
        for start, stop in self.documents:
            marked[stop - round((stop - start) * share) : stop] = True
        return marked

    def select(self, chosen: NDArray[np.bool_]) -> "Layout":
        """Return the layout of some of the sentences.

        Args:
            chosen: (n,) bool, whether to keep each sentence.

        Returns:
            Layout of the kept sentences. Documents of which no sentence is kept are left out.
        """
        kept = np.append(0, np.cumsum(chosen, dtype=np.int64))
        return Layout(self.labels[chosen], np.unique(kept[self.offsets]))

    def mark_document_starts(self, values: NDArray[Values]) -> NDArray[Values]:
        """Return a copy in which the first sentence of every document begins a paragraph.

        Args:
            values: (n,) bool boundaries, or (n,) float32 probabilities of a boundary.

        Returns:
            (n,), with True or 1 at the first sentence of each document.
        """
        copy = values.copy()
        copy[~self.is_candidate] = 1
        return copy


def offsets_of(groups: ArrayLike | None, n: int) -> NDArray[np.int64]:
    """Return the offsets of the documents that n sentences belong to; see `Layout`.

    Args:
        groups: (n,) name or number of the document of each sentence; None for a single document.
        n: Number of sentences.

    Raises:
        ValueError: `groups` does not have n elements, or the sentences of a group are not
            consecutive.
    """
    if groups is None:
        return np.array([0, n], dtype=np.int64)
    names = np.asarray(groups)
    if names.shape != (n,):
        raise ValueError(f"groups has shape {names.shape}, but there are {n} sentences")
    starts = np.flatnonzero(np.append(True, names[1:] != names[:-1])) if n else np.zeros(0)
    if len(np.unique(names)) != len(starts):
        raise ValueError("the sentences of a group must be consecutive, in the order of the text")
    return np.append(starts, n).astype(np.int64)


def paragraph_lengths(boundaries: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the number of sentences in each of the p paragraphs, in order.

    Args:
        boundaries: (n,) bool, whether each sentence begins a paragraph. The first one must.

    Returns:
        (p,) int64.
    """
    return np.diff(np.append(np.flatnonzero(boundaries), len(boundaries)))
