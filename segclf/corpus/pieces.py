"""A corpus in pieces, which tasks write and one process reads, one piece at a time."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np

from embedcache import UserError
from embedcache.shards.plan import Source
from embedcache.shards.storage import Storage
from segclf.corpus.documents import PARAGRAPH, Corpus, Document, Split
from segclf.corpus.files import interpret
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
        strict: Whether to raise an error for a file that cannot be read. Otherwise, the file is
            skipped, and the summary of the group contains a message.
    """

    format_name: Literal["auto", FormatName]
    options: ReadOptions
    strict: bool = True

    def __call__(
        self, storage: Storage, number: int, sources: Sequence[Source]
    ) -> tuple[list[str], dict[str, Any]]:
        """Read a group of files, and write a piece.

        Args:
            storage: Folder of the pieces.
            number: Number of the group, and of the piece.
            sources: Files of the group.

        Returns:
            The sentences of the group, and a summary of its documents and of the skipped files.

        Raises:
            UserError: A file cannot be read, and `strict` is true.
        """
        documents: list[Document] = []
        skipped: list[str] = []
        for source in sources:
            try:
                documents += self._read(source)
            except UserError as error:
                if self.strict:
                    raise
                skipped.append(str(error))
        lines = [
            json.dumps([document.sentences, document.labels.astype(int).tolist()])
            for document in documents
        ]
        storage.write_bytes(_piece_name(number), "\n".join(lines).encode())
        sentences = [sentence for document in documents for sentence in document.sentences]
        return sentences, {
            "documents": [_summary(document) for document in documents],
            "skipped": skipped,
        }

    def _read(self, source: Source) -> list[Document]:
        content = interpret(
            read_source(source),
            source.path,
            encoding=self.options.text_encoding,
            extracting=self.format_name == "auto",
        )
        return read_documents(content, source.id, self.format_name, self.options)


def first_sentences(storage: Storage, pieces: int, count: int) -> list[str]:
    """Return the first sentences of a corpus in `pieces` pieces, at most `count` sentences."""
    sentences: list[str] = []
    for number in range(pieces):
        for document_sentences, _ in _read_piece(storage, number):
            sentences += document_sentences
            if len(sentences) >= count:
                return sentences[:count]
    return sentences


def corpus_parts(
    storage: Storage, summaries: Sequence[dict[str, Any]], split: str | None
) -> Iterator[Corpus]:
    """Return an iterator over the parts of a corpus, which reads one piece at a time.

    Args:
        storage: Folder of the pieces.
        summaries: Summary of each piece.
        split: Split for all documents, shares of the splits, or None; see
            `segclf.corpus.read_corpus`.

    Raises:
        UserError: The split is invalid, or only some of the documents have a split.
    """
    documents = [document for piece in summaries for document in piece["documents"]]
    is_typed = any(document["has_paragraphs"] for document in documents)
    outlines = [_outline(document) for document in documents]
    assigned = zip(*assign_splits(outlines, split), strict=True)
    return _filled_parts(storage, len(summaries), assigned, is_typed)


def _filled_parts(
    storage: Storage, pieces: int, assigned: Iterator[tuple[Document, Split]], is_typed: bool
) -> Iterator[Corpus]:
    """Yield a corpus for each piece: the outlines of its documents, with sentences and labels."""
    for number in range(pieces):
        documents: list[Document] = []
        splits: list[Split] = []
        for sentences, labels in _read_piece(storage, number):
            stop = 0
            while stop < len(sentences):  # a document may be divided among the splits
                outline, split = next(assigned)
                stop = _range_of(outline).stop
                part = slice(_range_of(outline).start, stop)
                documents.append(
                    replace(
                        outline,
                        sentences=sentences[part],
                        labels=np.array(labels[part], dtype=np.int8),
                    )
                )
                splits.append(split)
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
