"""The corpus: sentences, labels, and where each document begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

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
    """

    id: str
    sentences: list[str]
    labels: NDArray[np.bool_]
    headings: int = 0
    split: Split | None = None


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
    """

    sentences: list[str]
    labels: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    document_ids: list[str]
    splits: list[Split]
    headings_removed: int = 0

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
        )

    def document_lengths(self) -> NDArray[np.int64]:
        """Return the number of sentences of each document: (m,) int64."""
        return np.diff(self.offsets)

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
