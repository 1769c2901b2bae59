"""Documents, and corpora of documents with their layout and their splits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segclf.corpus.layout import Layout

Boundary = Literal["indent", "line", "blank"]
Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")


@dataclass(frozen=True)
class Document:
    """A document as a reader returns it.

    Attributes:
        id: Path relative to the folder that was read, or the id given in the file.
        sentences: n normalized sentences, without the line breaks and indents around them.
        labels: (n,) bool, whether each sentence begins a paragraph. The first label may be False:
            a `Layout` corrects it.
        headings: Number of headings that were removed.
        split: Split given in the file; None if the file gives none.
        boundary: What begins a paragraph in the text; None if its format has no layout.
    """

    id: str
    sentences: list[str]
    labels: NDArray[np.bool_]
    headings: int = 0
    split: Split | None = None
    boundary: Boundary | None = None


@dataclass(frozen=True)
class Corpus:
    """The sentences of m documents, one document after another.

    Attributes:
        sentences: n sentences.
        layout: Where documents and paragraphs begin.
        document_ids: Ids of the m documents.
        splits: Splits of the m documents.
        headings_removed: Number of headings that were removed from the texts.
        boundaries_read: Number of documents for each kind of paragraph boundary.
    """

    sentences: list[str]
    layout: Layout
    document_ids: list[str]
    splits: list[Split]
    headings_removed: int = 0
    boundaries_read: Mapping[Boundary, int] = field(default_factory=dict)

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
    def of(cls, documents: Sequence[Document], splits: Sequence[Split]) -> "Corpus":
        """Make a corpus from m documents and their m splits."""
        lengths = [len(document.sentences) for document in documents]
        return cls(
            sentences=[sentence for document in documents for sentence in document.sentences],
            layout=Layout(
                np.concatenate([np.zeros(0, dtype=np.bool_), *(d.labels for d in documents)]),
                np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            ),
            document_ids=[document.id for document in documents],
            splits=list(splits),
            headings_removed=sum(document.headings for document in documents),
            boundaries_read=Counter(d.boundary for d in documents if d.boundary),
        )

    def select(self, split: Split) -> "Corpus":
        """Return a corpus of the documents in one split."""
        chosen = [
            Document(document_id, self.sentences[start:stop], self.labels[start:stop])
            for document_id, name, (start, stop) in zip(
                self.document_ids, self.splits, self.layout.documents, strict=True
            )
            if name == split
        ]
        return Corpus.of(chosen, [split] * len(chosen))

    def counts(self) -> dict[Split, dict[str, int]]:
        """Count the documents, sentences and boundaries in each split that is not empty."""
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
