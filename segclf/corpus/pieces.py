"""A corpus in pieces, which tasks write and one process puts together, one piece at a time."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

import numpy as np

from embedcache.shards.plan import Source
from embedcache.shards.storage import Storage
from segclf.corpus.documents import PARAGRAPH, Boundary, Corpus, Document, Split
from segclf.corpus.listing import read_source
from segclf.corpus.options import FormatName, ReadOptions
from segclf.corpus.read import read_documents
from segclf.corpus.splits import assign_splits


@dataclass(frozen=True)
class PieceReader:
    """Reads a group of files and writes their documents as a piece of the corpus.

    Attributes:
        format_name: Format of the text; see `segclf.corpus.read_corpus`.
        options: How to find paragraphs and sentences.
    """

    format_name: Literal["auto", FormatName]
    options: ReadOptions

    def __call__(
        self, storage: Storage, number: int, sources: Sequence[Source]
    ) -> tuple[list[str], list[dict[str, Any]]]:
        """Return the sentences of a group, and a summary of each document.

        Raises:
            UserError: A file cannot be read.
        """
        documents = [
            document
            for source in sources
            for document in read_documents(
                read_source(source), source.id, self.format_name, self.options
            )
        ]
        lines = [
            json.dumps([document.sentences, document.labels.astype(int).tolist()])
            for document in documents
        ]
        storage.write_bytes(_piece_name(number), "\n".join(lines).encode())
        sentences = [sentence for document in documents for sentence in document.sentences]
        return sentences, [_summary(document) for document in documents]


@dataclass
class CorpusTotals:
    """What a corpus has in all its parts.

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
        """Add up the parts of a corpus while they pass."""
        for part in parts:
            self.sentences += len(part)
            self.headings_removed += part.headings_removed
            self.boundaries_read.update(part.boundaries_read)
            for split, counts in part.counts().items():
                self.splits.setdefault(split, Counter()).update(counts)
            yield part


def first_sentences(storage: Storage, pieces: int, count: int) -> list[str]:
    """Return the first sentences of a corpus, at most `count`."""
    sentences: list[str] = []
    for number in range(pieces):
        for own, _ in _read_piece(storage, number):
            sentences += own
            if len(sentences) >= count:
                return sentences[:count]
    return sentences


def corpus_parts(
    storage: Storage, summaries: Sequence[Sequence[dict[str, Any]]], split: str | None
) -> Iterator[Corpus]:
    """Return a corpus in parts, which are read one piece after another.

    Args:
        storage: Folder of the pieces.
        summaries: Summaries of the documents in each piece.
        split: Split for all documents, or shares of the splits; see `segclf.corpus.read_corpus`.

    Raises:
        UserError: The split is invalid, or only some of the documents have a split.
    """
    is_typed = any(summary["has_paragraphs"] for piece in summaries for summary in piece)
    outlines = [_outline(summary) for piece in summaries for summary in piece]
    assigned = zip(*assign_splits(outlines, split), strict=True)
    return _filled_parts(storage, len(summaries), assigned, is_typed)


def _filled_parts(
    storage: Storage, pieces: int, assigned: Iterator[tuple[Document, Split]], is_typed: bool
) -> Iterator[Corpus]:
    """Fill outlines of documents with their sentences and labels."""
    for number in range(pieces):
        documents: list[Document] = []
        splits: list[Split] = []
        for sentences, labels in _read_piece(storage, number):
            stop = 0
            while stop < len(sentences):  # a document may be cut into parts
                outline, own_split = next(assigned)
                stop = _range_of(outline).stop
                part = slice(_range_of(outline).start, stop)
                documents.append(
                    replace(
                        outline,
                        sentences=sentences[part],
                        labels=np.array(labels[part], dtype=np.int8),
                    )
                )
                splits.append(own_split)
        if documents:
            yield Corpus.of(documents, splits, is_typed=is_typed)


def _summary(document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "sentences": len(document.sentences),
        "headings": document.headings,
        "split": document.split,
        "boundary": document.boundary,
        "is_typed": document.is_typed,
        "has_paragraphs": bool((document.labels == PARAGRAPH).any()),
    }


def _outline(summary: dict[str, Any]) -> Document:
    """Return a document with the positions of its sentences instead of their texts and labels."""
    return Document(
        id=summary["id"],
        sentences=cast("list[str]", range(summary["sentences"])),
        labels=np.zeros(0, dtype=np.bool_),
        headings=summary["headings"],
        split=summary["split"],
        boundary=summary["boundary"],
        is_typed=summary["is_typed"],
    )


def _range_of(outline: Document) -> range:
    return cast("range", outline.sentences)


def _piece_name(number: int) -> str:
    return f"documents/{number:05}.jsonl"


def _read_piece(storage: Storage, number: int) -> Iterator[tuple[list[str], list[int]]]:
    """Yield the sentences and the labels of each document of a piece."""
    with storage.open(_piece_name(number)) as file:
        for line in file:
            sentences, labels = json.loads(line)
            yield sentences, labels
