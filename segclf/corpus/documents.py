"""Documents, and corpora of documents with their layout and their splits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segclf.corpus.layout import Layout

Boundary = Literal["indent", "line", "blank", "typed"]
BoundaryType = Literal["any", "line", "paragraph"]
Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")

LINE, PARAGRAPH = 1, 2
"""Typed labels: the sentence begins a line, such as a line of dialogue, or a paragraph."""


@dataclass(frozen=True)
class Document:
    """A document as a reader returns it.

    Attributes:
        id: Id given in the file, or else the path relative to the folder that was read; for JSON
            Lines, the line number follows the path.
        sentences: n normalized sentences, without the line breaks and indents around them.
        labels: (n,) bool or int8, 1 if a sentence begins a paragraph; or (n,) int8 typed labels,
            0, LINE or PARAGRAPH. The first label may be 0: a `Corpus` corrects it.
        headings: Number of headings that were removed.
        split: Split given in the file; None if the file gives none.
        boundary: What begins a paragraph in the text; None if its format has no layout.
        is_typed: Whether the labels are typed, even if none is PARAGRAPH; None to decide from
            the labels.
    """

    id: str
    sentences: list[str]
    labels: NDArray[np.bool_] | NDArray[np.int8]
    headings: int = 0
    split: Split | None = None
    boundary: Boundary | None = None
    is_typed: bool | None = None

    def __post_init__(self) -> None:
        if self.is_typed is None:  # the object is frozen, but not yet in use
            object.__setattr__(self, "is_typed", bool((self.labels == PARAGRAPH).any()))


@dataclass(frozen=True)
class Corpus:
    """The sentences of m documents, one document after another.

    Attributes:
        sentences: n sentences.
        types: (n,) int8 typed labels: 0, LINE or PARAGRAPH. If none is PARAGRAPH, the corpus is not
            typed, and 1 marks the boundaries.
        layout: Where documents and paragraphs begin. In a typed corpus, lines count as paragraphs
            too, unless `of_type` has selected the boundaries of one type.
        document_ids: Ids of the m documents.
        splits: Splits of the m documents.
        headings_removed: Number of headings that were removed from the texts.
        boundaries_read: Number of documents that were read with each kind of paragraph boundary.
        skipped: A message for each entry of the folder that could not be read.
    """

    sentences: list[str]
    types: NDArray[np.int8]
    layout: Layout
    document_ids: list[str]
    splits: list[Split]
    headings_removed: int = 0
    boundaries_read: Mapping[Boundary, int] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sentences)

    @property
    def labels(self) -> NDArray[np.bool_]:
        """(n,) bool, whether each sentence begins a paragraph."""
        return self.layout.labels

    @property
    def offsets(self) -> NDArray[np.int64]:
        """(m + 1,) int64; document i is sentences[offsets[i] : offsets[i + 1]]."""
        return self.layout.offsets

    @classmethod
    def of(
        cls,
        documents: Sequence[Document],
        splits: Sequence[Split],
        *,
        is_typed: bool | None = None,
    ) -> "Corpus":
        """Make a corpus from m documents and their m splits.

        If any label is PARAGRAPH, the boundaries of untyped documents become paragraphs. The first
        sentence of each document becomes a boundary.

        Args:
            documents: Documents.
            splits: Splits of the documents.
            is_typed: Whether any label of the whole corpus is PARAGRAPH; None if `documents` are
                the whole corpus.
        """
        if is_typed is None:
            is_typed = any((document.labels == PARAGRAPH).any() for document in documents)
        lengths = [len(document.sentences) for document in documents]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        types = np.concatenate([np.zeros(0), *_typed_labels(documents, is_typed)]).astype(np.int8)
        layout = Layout(types > 0, offsets)
        starts_without_type = layout.labels & (types == 0)
        types[starts_without_type] = PARAGRAPH if is_typed else LINE
        return cls(
            sentences=[sentence for document in documents for sentence in document.sentences],
            types=types,
            layout=layout,
            document_ids=[document.id for document in documents],
            splits=list(splits),
            headings_removed=sum(document.headings for document in documents),
            boundaries_read=Counter(
                document.boundary for document in documents if document.boundary
            ),
        )

    @property
    def is_typed(self) -> bool:
        """Whether the labels distinguish paragraphs from lines."""
        return bool((self.types == PARAGRAPH).any())

    def of_type(self, boundary_type: BoundaryType) -> "Corpus":
        """Return the corpus with a layout that has only the boundaries of one type.

        The corpus is returned unchanged if the type is "any" or the corpus is not typed.
        """
        if boundary_type == "any" or not self.is_typed:
            return self
        wanted = LINE if boundary_type == "line" else PARAGRAPH
        return replace(self, layout=Layout(self.types == wanted, self.offsets))

    def select(self, split: Split) -> "Corpus":
        """Return a corpus of the documents in one split, without the counts and messages."""
        chosen = [
            Document(document_id, self.sentences[start:stop], self.types[start:stop], is_typed=True)
            for document_id, document_split, (start, stop) in zip(
                self.document_ids, self.splits, self.layout.documents, strict=True
            )
            if document_split == split
        ]
        part = Corpus.of(chosen, [split] * len(chosen))
        in_split = np.repeat([name == split for name in self.splits], np.diff(self.offsets))
        # the labels of this corpus, which may be those of one type of boundary
        return replace(part, layout=Layout(self.labels[in_split], part.offsets))

    def counts(self) -> dict[Split, dict[str, int]]:
        """Count the documents, sentences and boundaries in each split that is not empty.

        The first sentence of each document is a boundary.
        """
        parts: dict[Split, Corpus] = {split: self.select(split) for split in SPLITS}
        return {
            split: {
                "documents": len(part.document_ids),
                "sentences": len(part),
                "boundaries": int(part.labels.sum()),
            }
            for split, part in parts.items()
            if part.document_ids
        }


def unit_labels(label: int, count: int) -> list[int]:
    """Return the labels of the sentences of a unit.

    Args:
        label: Label of the unit. The first sentence gets this label, and the others get 0.
        count: Number of sentences, which may be 0.
    """
    return [label, *[0] * (count - 1)] if count else []


def _typed_labels(documents: Sequence[Document], is_typed: bool) -> list[NDArray[np.int8]]:
    """Return the labels of documents.

    In a typed corpus, the label 1 of an untyped document becomes PARAGRAPH.
    """
    all_labels = [document.labels.astype(np.int8) for document in documents]
    if not is_typed:
        return all_labels
    return [
        labels if document.is_typed else labels * np.int8(PARAGRAPH)
        for document, labels in zip(documents, all_labels, strict=True)
    ]
