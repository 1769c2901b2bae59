"""The corpus: sentences, labels, and where each document begins."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Boundary = Literal["indent", "line", "blank"]
Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")


@dataclass(frozen=True)
class Document:
    """One text, read.

    Attributes:
        id: its path below the folder that was read, or its name in the file.
        sentences: n normalised sentences, without any trace of the layout.
        labels: (n,) bool, whether a paragraph begins with the sentence.
        headings: how many section titles were removed.
        split: the part of the corpus it must go to, where its file says so.
        boundary: what began a paragraph in its layout, where it had one.
    """

    id: str
    sentences: list[str]
    labels: NDArray[np.bool_]
    headings: int = 0
    split: Split | None = None
    boundary: Boundary | None = None


@dataclass(frozen=True)
class Corpus:
    """Documents one behind the other, as plain arrays.

    Attributes:
        sentences: n sentences.
        labels: (n,) bool, whether a paragraph begins with the sentence.
        offsets: (m + 1,) int64; document i is sentences[offsets[i] : offsets[i + 1]].
        document_ids: m names.
        splits: m parts of the corpus, each "train", "dev" or "test".
        headings_removed: section titles that stood in the texts.
        boundaries_read: how many documents had which mark of a paragraph in their layout.
    """

    sentences: list[str]
    labels: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    document_ids: list[str]
    splits: list[Split]
    headings_removed: int = 0
    boundaries_read: Mapping[Boundary, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sentences)

    @classmethod
    def of(cls, documents: Sequence[Document], splits: Sequence[Split]) -> "Corpus":
        """Join documents, each with its split."""
        lengths = [len(document.sentences) for document in documents]
        return cls(
            sentences=[sentence for document in documents for sentence in document.sentences],
            labels=np.concatenate([np.zeros(0, dtype=np.bool_), *(d.labels for d in documents)]),
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            document_ids=[document.id for document in documents],
            splits=list(splits),
            headings_removed=sum(document.headings for document in documents),
            boundaries_read=Counter(d.boundary for d in documents if d.boundary),
        )

    def select(self, split: Split) -> "Corpus":
        """Return the documents of one split as a corpus of their own."""
        chosen = [i for i, name in enumerate(self.splits) if name == split]
        spans = [slice(self.offsets[i], self.offsets[i + 1]) for i in chosen]
        return Corpus.of(
            [
                Document(self.document_ids[i], self.sentences[span], self.labels[span])
                for i, span in zip(chosen, spans, strict=True)
            ],
            [split] * len(chosen),
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """Count documents, sentences and boundaries of each split that has any."""
        parts = {split: self.select(split) for split in SPLITS}
        return {
            split: {
                "documents": len(part.document_ids),
                "sentences": len(part),
                "boundaries": int(part.labels.sum()),
            }
            for split, part in parts.items()
            if part.document_ids
        }
