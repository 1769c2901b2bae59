"""The text of a work as the compared methods need it, and boundaries from their output."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from embedcache.words.tokenizers import Tokenizer, tokenizer_for

SENTENCE_END = "\n"
"""Follows each sentence in `Work.lines`, where spaces replace the newlines inside sentences."""


@dataclass(frozen=True, eq=False)
class Work:
    """A work of n sentences.

    Attributes:
        language: ISO 639-1 code.
        sentences: n sentences.
        vectors: (n, d) float32, unit vectors of the sentences.
    """

    language: str
    sentences: list[str]
    vectors: NDArray[np.float32]
    _embedded: dict[str, NDArray[np.float32]] = field(default_factory=dict, init=False)

    @cached_property
    def lines(self) -> str:
        """Sentences followed by `SENTENCE_END`, for methods that accept given sentences."""
        return "".join(s.replace(SENTENCE_END, " ") + SENTENCE_END for s in self.sentences)

    @cached_property
    def text(self) -> str:
        """The sentences as running text, for methods that find sentences themselves."""
        return self._separator.join(self.sentences)

    @cached_property
    def words(self) -> list[list[str]]:
        """The words of each sentence in lower case, without punctuation."""
        tokenize = _tokenizer(self.language).tokenize
        return [
            [forms[0].lower() for forms in tokenize(s) if any(c.isalnum() for c in forms[0])]
            for s in self.sentences
        ]

    @property
    def _separator(self) -> str:
        return "" if self.language == "ja" else " "

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """(n,) int64 offset in `text` at which each sentence begins."""
        lengths = [len(s) + len(self._separator) for s in self.sentences]
        return np.concatenate([[0], np.cumsum(lengths[:-1])]).astype(np.int64)

    def boundaries_from_offsets(self, offsets: Iterable[int]) -> NDArray[np.bool_]:
        """Return the sentences that begin a chunk as (n,) bool.

        A chunk that begins inside a sentence is counted from the next sentence.

        Args:
            offsets: Offset in `text` of the start of each chunk.
        """
        positions = np.searchsorted(self._starts, np.fromiter(offsets, np.int64))
        return self._mark(positions[positions < len(self.sentences)])

    def boundaries_from_chunks(self, chunks: Iterable[str]) -> NDArray[np.bool_]:
        """Return the sentences that begin a chunk as (n,) bool, given the chunks of `lines`."""
        return self.boundaries_from_lengths(chunk.count(SENTENCE_END) for chunk in chunks)

    def boundaries_from_lengths(self, lengths: Iterable[int]) -> NDArray[np.bool_]:
        """Return the sentences that begin a segment as (n,) bool.

        Args:
            lengths: Number of sentences in each segment.
        """
        return self._mark(np.cumsum(np.fromiter(lengths, np.int64))[:-1])

    def _mark(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        marks = np.zeros(len(self.sentences), dtype=np.bool_)
        marks[positions] = True
        marks[0] = True
        return marks

    def embed(self, lines: str) -> NDArray[np.float32]:
        """Return the mean vector (d,) of some of the `lines`, scaled to unit length.

        Methods that embed groups of sentences call it instead of an encoder, so that no sentence is
        encoded again.
        """
        if lines not in self._embedded:
            self._embedded[lines] = self._mean(lines)
        return self._embedded[lines]

    def _mean(self, lines: str) -> NDArray[np.float32]:
        found = (self._vector_of.get(line.strip()) for line in lines.split(SENTENCE_END))
        total = np.sum([vector for vector in found if vector is not None], axis=0)
        unit: NDArray[np.float32] = total / np.linalg.norm(total)
        return unit

    @cached_property
    def _vector_of(self) -> dict[str, NDArray[np.float32]]:
        lines = self.lines.split(SENTENCE_END)[:-1]
        return {line.strip(): vector for line, vector in zip(lines, self.vectors, strict=True)}

    def frequent_words(self, count: int) -> set[str]:
        """Return the `count` most frequent words of the work."""
        counts = Counter(word for words in self.words for word in words)
        return {word for word, _ in counts.most_common(count)}


@lru_cache
def _tokenizer(language: str) -> Tokenizer:
    return tokenizer_for(language)
