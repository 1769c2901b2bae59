"""Counts of a corpus that is read in parts."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from segclf.corpus.documents import Boundary, Corpus, Split


@dataclass
class CorpusTotals:
    """Counts over all parts of a corpus.

    Attributes:
        sentences: Number of sentences.
        headings_removed: Number of headings that were removed from the texts.
        boundaries_read: Number of documents that were read with each kind of paragraph boundary.
        splits: Counts of each split; see `segclf.corpus.Corpus.counts`.
    """

    sentences: int = 0
    headings_removed: int = 0
    boundaries_read: Counter[Boundary] = field(default_factory=Counter)
    splits: dict[Split, Counter[str]] = field(default_factory=dict)

    def count(self, parts: Iterable[Corpus]) -> Iterator[Corpus]:
        """Yield the parts of a corpus, and add each part to the counts."""
        for part in parts:
            self.sentences += len(part)
            self.headings_removed += part.headings_removed
            self.boundaries_read.update(part.boundaries_read)
            for split, counts in part.counts().items():
                self.splits.setdefault(split, Counter()).update(counts)
            yield part
