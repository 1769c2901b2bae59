"""Encoders based on word vectors: the mean of a sentence's vectors, or the words themselves.

Words without a vector are ignored. The vector of a sentence without known words is zero.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache.encoders.base import Encoder, Pooling
from embedcache.errors import UserError
from embedcache.store import StorageDtype, Vectors
from embedcache.store.index import MISSING
from embedcache.words import Tokenizer, Vocabulary, WordVectors

PADDING = -1  # after the last word of a sentence
MAX_WORDS = 128  # known words of a sentence that `TokenEncoder` keeps


class WordEncoder(Encoder):
    """Base class of the encoders based on word vectors.

    Args:
        name: Name in messages and tables.
        vectors: Word vectors.
        tokenizer: Tokenizer that splits sentences into words.

    Attributes:
        vectors: Word vectors.
    """

    pooling: Pooling
    batch_tokens = 1 << 16
    is_fast = True

    def __init__(self, name: str, vectors: WordVectors, tokenizer: Tokenizer) -> None:
        self.name = name
        self.dim = int(vectors.matrix.shape[1])
        self.vectors = vectors
        self._tokenizer = tokenizer
        self._vocabulary = Vocabulary(vectors)

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the vectors depend on."""
        return self.vectors.identity | self._tokenizer.identity | {"pooling": self.pooling}

    @abstractmethod
    def encode(self, sentences: list[str]) -> Vectors:
        """Encode n sentences: (n, dim) float32 or int32."""

    def check_text(self, sentences: Sequence[str]) -> None:
        """Check that at least one word of a text has a vector, if the text has words.

        Raises:
            UserError: No word of the text has a vector.
        """
        words, _ = self._words(sentences)
        if len(words) and bool((words == MISSING).all()):
            raise UserError(
                f"{self.name} has no vector for any word of this text: use vectors for its "
                "language, which must be Japanese or written with spaces between words"
            )

    def describe(self) -> dict[str, Any]:
        """Return the encoder's properties, with the number and the language of its word vectors."""
        return {
            "name": self.name,
            "dim": self.dim,
            "vectors": len(self.vectors.matrix),
            "language": self.vectors.language,
            "pooling": self.pooling,
            "fingerprint": self.fingerprint,
            "identity": self.identity,
        }

    def _words(self, sentences: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Tokenize n sentences, and number their words.

        Returns:
            Numbers (t,) in the vocabulary of all words, MISSING for unknown words, and the number
            of words of each sentence (n,).
        """
        tokens = [self._tokenizer.tokenize(sentence) for sentence in sentences]
        counts = np.array([len(forms) for forms in tokens], dtype=np.int64)
        return self._vocabulary.numbers(tokens), counts

    def _known_words(self, sentences: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what `_words` returns, without the words that have no vector."""
        return without_unknown(*self._words(sentences))


class MeanEncoder(WordEncoder):
    """The mean of the vectors of a sentence's words."""

    pooling: Pooling = "mean"

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Encode n sentences: (n, dim) float32."""
        words, counts = self._known_words(sentences)
        return mean_by_sentence(self.vectors.matrix[self._vocabulary.rows[words]], counts)


class TokenEncoder(WordEncoder):
    """The words of a sentence, as row numbers of the word vectors, for the head `wordlstm`."""

    pooling: Pooling = "tokens"
    storage_dtype: StorageDtype | None = "int32"
    max_tokens: int | None = MAX_WORDS

    def __init__(self, name: str, vectors: WordVectors, tokenizer: Tokenizer) -> None:
        super().__init__(name, vectors, tokenizer)
        self.dim = MAX_WORDS
        self._rows: dict[str, NDArray[np.int64]] = {}  # so that `encode` need not tokenize again

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the rows depend on."""
        return super().identity | {"max_tokens": MAX_WORDS}

    @property
    def token_vectors(self) -> NDArray[np.float32]:
        """(v, d) float32 matrix of word vectors, memory-mapped."""
        return self.vectors.matrix

    def count_tokens(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Count the known words of n sentences: (n,) int64."""
        self._rows, counts = self._look_up(sentences)
        return counts

    def encode(self, sentences: list[str]) -> NDArray[np.int32]:
        """Encode n sentences.

        Returns:
            (n, MAX_WORDS) int32 row numbers in `token_vectors` of the first known words of each
            sentence, padded with PADDING.
        """
        found = self._rows  # another thread may replace it in the meantime
        if not found.keys() >= set(sentences):
            found, _ = self._look_up(sentences)
        padded = np.full((len(sentences), MAX_WORDS), PADDING, dtype=np.int32)
        for target, sentence in zip(padded, sentences, strict=True):
            rows = found[sentence][:MAX_WORDS]
            target[: len(rows)] = rows
        return padded

    def _look_up(
        self, sentences: Sequence[str]
    ) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.int64]]:
        """Return the rows of the known words of each of n sentences, and word counts (n,)."""
        words, counts = self._known_words(sentences)
        rows = np.split(self._vocabulary.rows[words], np.cumsum(counts)[:-1])
        return dict(zip(sentences, rows, strict=False)), counts


def without_unknown(
    words: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Remove MISSING from the words (t,) of n sentences, and adjust the word counts (n,)."""
    known = words != MISSING
    sentence = np.repeat(np.arange(len(counts)), counts)
    return words[known], np.bincount(sentence[known], minlength=len(counts))


def mean_by_sentence(
    vectors: NDArray[np.float32], counts: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Average vectors by sentence.

    Args:
        vectors: (t, d) vectors of the words of n sentences, one sentence after the other.
        counts: (n,) number of words of each sentence.

    Returns:
        (n, d) float32, zero for sentences without words.
    """
    means = np.zeros((len(counts), vectors.shape[1]), dtype=np.float32)
    filled = counts > 0
    starts = np.cumsum(counts) - counts
    if filled.any():
        means[filled] = np.add.reduceat(vectors, starts[filled]) / counts[filled, None]
    return means
