"""Smooth inverse frequency: weighted means of word vectors, without their common component.

Arora et al. 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings".
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_hexdigest

from embedcache.encoders.base import Pooling
from embedcache.encoders.word_vectors import WordEncoder, mean_by_sentence, without_unknown
from embedcache.errors import UserError
from embedcache.hashing import fingerprint_of
from embedcache.ids import sentence_ids
from embedcache.terminal import progress_bar
from embedcache.words import Tokenizer, WordVectors

SIF_A = 1e-3  # as in the paper
_FIT_SENTENCES = 1024  # number of sentences per step, to limit memory


class SifEncoder(WordEncoder):
    """The weighted mean of a sentence's word vectors, without the common component.

    A word has the weight a / (a + p), where p is its relative frequency in the sentences given to
    `fit`. The common component is the first right singular vector of the weighted means of these
    sentences; the projection of each vector on it is subtracted. The encoder must be fitted, or an
    earlier fit restored, before it encodes.

    Attributes:
        state: Result of the fit, JSON-serializable.
    """

    pooling: Pooling = "sif"

    def __init__(self, name: str, vectors: WordVectors, tokenizer: Tokenizer) -> None:
        super().__init__(name, vectors, tokenizer)
        self.restore({"fitted_on": None})

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the vectors depend on, including the sentences given to `fit`."""
        return super().identity | {"a": SIF_A, "fitted_on": self.state["fitted_on"]}

    def fingerprint_fitted_on(self, sentences: Sequence[str]) -> str:
        """Return the fingerprint that the encoder has after a fit on these sentences."""
        return fingerprint_of(self.identity | {"fitted_on": _hash_sentences(sentences)})

    def restore(self, state: dict[str, Any]) -> None:
        """Use the `state` of another encoder with the same word vectors and tokenizer."""
        self.state = state
        self._weights = np.zeros(0, dtype=np.float32)
        self._component = np.array(state.get("component", ()), dtype=np.float32)

    def fit(self, sentences: Sequence[str], *, progress: bool = False) -> None:
        """Count words and find the common component of the weighted means.

        Args:
            sentences: Normalized sentences of the train split only.
            progress: Whether to show a progress bar on standard error.
        """
        words = self._count_words(sentences, progress=progress)
        known = [without_unknown(*part) for part in words]
        size = len(self._vocabulary.words)
        frequency = sum(
            (np.bincount(numbers, minlength=size) for numbers, _ in known),
            np.zeros(size, dtype=np.int64),
        )
        state = {
            "fitted_on": _hash_sentences(sentences),
            "total": max(sum(len(numbers) for numbers, _ in words), 1),
            "counts": dict(zip(self._vocabulary.words, frequency.tolist(), strict=True)),
        }
        self.restore(state)
        gram = np.zeros((self.dim, self.dim))
        for numbers, counts in known:
            means = self._weighted_means(numbers, counts).astype(np.float64)
            gram += means.T @ means
        state["component"] = np.linalg.eigh(gram).eigenvectors[:, -1].tolist()
        self.restore(state)

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Encode n sentences: (n, dim) float32.

        Raises:
            UserError: The encoder is not fitted.
        """
        if self.state["fitted_on"] is None:
            raise UserError(f"the encoder {self.name} with pooling sif must be fitted first")
        means = self._weighted_means(*self._known_words(sentences))
        means -= np.outer(means @ self._component, self._component)
        return means

    def _count_words(
        self, sentences: Sequence[str], *, progress: bool
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Return what `_words` returns, for each step of `_FIT_SENTENCES` sentences."""
        words = []
        with progress_bar(
            len(sentences), "sentences", show=progress, description="counting words", leave=False
        ) as bar:
            for start in range(0, len(sentences), _FIT_SENTENCES):
                step = sentences[start : start + _FIT_SENTENCES]
                words.append(self._words(step))
                bar.update(len(step))
        return words

    def _weighted_means(
        self, words: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        earlier = self._weights  # another thread may replace them in the meantime
        new = self._vocabulary.words[len(earlier) :]
        share = np.array([self.state["counts"].get(word, 0) for word in new]) / self.state["total"]
        weights = np.concatenate([earlier, SIF_A / (SIF_A + share)], dtype=np.float32)
        self._weights = weights
        vectors = self.vectors.matrix[self._vocabulary.rows[words]]
        return mean_by_sentence(vectors * weights[words, None], counts)


def _hash_sentences(sentences: Sequence[str]) -> str:
    """Hash sentences independently of their order."""
    ids = sentence_ids(sentences)
    return f"xxh3:{xxh3_128_hexdigest(ids[np.lexsort((ids[:, 1], ids[:, 0]))].tobytes())}"
