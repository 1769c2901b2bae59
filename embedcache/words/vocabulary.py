"""Numbers for the words of a text, so that each word is looked up once."""

import threading

import numpy as np
from numpy.typing import NDArray

from embedcache.store.index import MISSING
from embedcache.words.tokenizers import Forms
from embedcache.words.vectors import WordVectors


class Vocabulary:
    """The words seen so far that have a vector, numbered in the order of their first occurrence.

    Several threads may call `numbers`.

    Args:
        vectors: Word vectors in which the words are looked up.

    Attributes:
        words: m spellings.
        rows: (m,) int64 rows of the words in the matrix of word vectors.
    """

    def __init__(self, vectors: WordVectors) -> None:
        self.words: list[str] = []
        self.rows = np.zeros(0, dtype=np.int64)
        self._find = vectors.find
        self._number_of: dict[str, int] = {}
        self._seen: dict[Forms, int] = {}  # number of the word that represents each token
        self._lock = threading.Lock()

    def numbers(self, tokens: list[list[Forms]]) -> NDArray[np.int64]:
        """Number the tokens of n sentences.

        Args:
            tokens: Spellings of the tokens of each sentence.

        Returns:
            (t,) int64, the numbers of the words that represent the t tokens of all sentences;
            MISSING for tokens without a vector.
        """
        distinct = dict.fromkeys(forms for sentence in tokens for forms in sentence)
        with self._lock:
            self._add([forms for forms in distinct if forms not in self._seen])
        numbers = (self._seen[forms] for sentence in tokens for forms in sentence)
        return np.fromiter(numbers, dtype=np.int64)

    def _add(self, unseen: list[Forms]) -> None:
        """Look up distinct tokens, and number the words that represent them."""
        spellings = dict.fromkeys(word for forms in unseen for word in forms)
        row_of = dict(zip(spellings, self._find(list(spellings)).tolist(), strict=True))
        new_rows = []
        for forms in unseen:
            word = next((word for word in forms if row_of[word] != MISSING), None)
            if word is None:
                self._seen[forms] = MISSING
                continue
            if word not in self._number_of:
                self._number_of[word] = len(self.words)
                self.words.append(word)
                new_rows.append(row_of[word])
            self._seen[forms] = self._number_of[word]
        self.rows = np.concatenate([self.rows, np.array(new_rows, dtype=np.int64)])
