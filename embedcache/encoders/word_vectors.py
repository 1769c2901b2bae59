"""Encoders over word vectors: the mean of a sentence's words, SIF, or the words themselves.

An unknown word is left out; the vector of a sentence without known words is zero.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from xxhash import xxh3_128_hexdigest

from embedcache.encoders.base import Pooling, fingerprint_of
from embedcache.errors import UserError
from embedcache.ids import sentence_ids
from embedcache.store import StorageDtype
from embedcache.store.index import MISSING
from embedcache.words import Forms, Tokenizer, WordVectors, tokenizer_for

PADDING = -1  # behind a sentence's last word
MAX_WORDS = 128
SIF_A = 1e-3  # the paper's
_FIT_SENTENCES = 1024  # a step; bounds memory


class WordEncoder:
    """What the encoders over word vectors share.

    Args:
        name: for people.
        vectors: of the words.
        tokenizer: cuts sentences into words.
    """

    pooling: Pooling
    batch_tokens = 1 << 16

    def __init__(self, name: str, vectors: WordVectors, tokenizer: Tokenizer) -> None:
        self.name = name
        self.vectors = vectors
        self._tokenizer = tokenizer
        self._vocabulary = _Vocabulary(vectors)

    @property
    def dim(self) -> int:
        """Length of a sentence's vector."""
        return int(self.vectors.matrix.shape[1])

    @property
    def identity(self) -> dict[str, Any]:
        """What the vectors depend on."""
        return self.vectors.identity | self._tokenizer.identity | {"pooling": self.pooling}

    @property
    def fingerprint(self) -> str:
        """The hash of `identity`."""
        return fingerprint_of(self.identity)

    def encode(self, sentences: list[str]) -> NDArray[np.float32] | NDArray[np.int32]:
        """Encode n sentences: (n, dim)."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """Tell what it is made of, and its fingerprint."""
        return {
            "name": self.name,
            "dim": self.dim,
            "vectors": len(self.vectors.matrix),
            "language": self.vectors.language,
            "pooling": self.pooling,
            "fingerprint": self.fingerprint,
            "identity": self.identity,
        }

    def knows_none(self, sentences: Sequence[str]) -> bool:
        """Say whether there are words in sentences and none of them has a vector."""
        words, _ = self._words(sentences)
        return len(words) > 0 and bool((words == MISSING).all())

    def _words(self, sentences: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the words (t,) of n sentences, by their numbers, and how many each has, (n,)."""
        tokens = [self._tokenizer.tokenize(sentence) for sentence in sentences]
        counts = np.array([len(forms) for forms in tokens], dtype=np.int64)
        return self._vocabulary.numbers(tokens), counts

    def _known_words(self, sentences: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Do the same, and leave out words without a vector."""
        return _known(*self._words(sentences))


class MeanEncoder(WordEncoder):
    """The mean of the vectors of a sentence's words."""

    pooling: Pooling = "mean"

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Encode n sentences: (n, dim) float32."""
        words, counts = self._known_words(sentences)
        return _means(self.vectors.matrix[self._vocabulary.rows[words]], counts)


class SifEncoder(WordEncoder):
    """Smooth inverse frequency: Arora et al. 2017, "A simple but tough-to-beat baseline".

    A word weighs a / (a + p), where p is its share of the words of the sentences given to `fit`;
    from the weighted mean its part along their first principal component is taken away. Nothing is
    encoded before it was fitted, or what was fitted restored.

    Attributes:
        state: what was fitted, ready for JSON.
    """

    pooling: Pooling = "sif"

    def __init__(self, name: str, vectors: WordVectors, tokenizer: Tokenizer) -> None:
        super().__init__(name, vectors, tokenizer)
        self.restore({"fitted_on": None})

    @property
    def identity(self) -> dict[str, Any]:
        """What the vectors depend on; the hash of the sentences given to `fit` stands for it."""
        return super().identity | {"a": SIF_A, "fitted_on": self.state["fitted_on"]}

    def fingerprint_fitted_on(self, sentences: Sequence[str]) -> str:
        """Return the fingerprint that it has once it is fitted on these sentences."""
        return fingerprint_of(self.identity | {"fitted_on": _hash_sentences(sentences)})

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what another of the same words and tokenizer has fitted."""
        self.state = state
        self._weights = np.zeros(0, dtype=np.float32)
        self._component = np.array(state.get("component", ()), dtype=np.float32)

    def fit(self, sentences: Sequence[str], *, progress: bool = False) -> None:
        """Count words, weigh them, and find the principal component of the weighted means.

        Args:
            sentences: normalised; those of the train split and no others.
            progress: show a bar on standard error.
        """
        steps = range(0, len(sentences), _FIT_SENTENCES)
        bar = tqdm(
            steps, desc="counting words", delay=1, disable=None if progress else True, leave=False
        )
        parts = [self._words(sentences[start : start + _FIT_SENTENCES]) for start in bar]
        total = sum(len(words) for words, _ in parts)
        known = [_known(words, counts) for words, counts in parts]
        frequency = sum(
            (np.bincount(words, minlength=len(self._vocabulary.words)) for words, _ in known),
            np.zeros(len(self._vocabulary.words), dtype=np.int64),
        )
        state = {
            "fitted_on": _hash_sentences(sentences),
            "total": max(total, 1),
            "counts": dict(zip(self._vocabulary.words, frequency.tolist(), strict=True)),
        }
        self.restore(state)
        gram = np.zeros((self.dim, self.dim))
        for words, counts in known:
            means = self._weighted_means(words, counts).astype(np.float64)
            gram += means.T @ means
        state["component"] = np.linalg.eigh(gram).eigenvectors[:, -1].tolist()
        self.restore(state)

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Encode n sentences: (n, dim) float32.

        Raises:
            UserError: it is not fitted.
        """
        if self.state["fitted_on"] is None:
            raise UserError(f"the encoder {self.name} with pooling sif must be fitted first")
        means = self._weighted_means(*self._known_words(sentences))
        means -= np.outer(means @ self._component, self._component)
        return means

    def _weighted_means(
        self, words: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        new = self._vocabulary.words[len(self._weights) :]
        share = np.array([self.state["counts"].get(word, 0) for word in new]) / self.state["total"]
        weights = np.concatenate([self._weights, SIF_A / (SIF_A + share)], dtype=np.float32)
        self._weights = weights
        vectors = self.vectors.matrix[self._vocabulary.rows[words]]
        return _means(vectors * weights[words, None], counts)


class TokenEncoder(WordEncoder):
    """No vector but a sentence's words, as rows of the matrix of word vectors, for an LSTM.

    Attributes:
        storage_dtype: how the store keeps them.
        max_tokens: the same as `dim`.
    """

    pooling: Pooling = "tokens"
    storage_dtype: StorageDtype = "int32"
    max_tokens = MAX_WORDS

    def __init__(self, name: str, vectors: WordVectors, tokenizer: Tokenizer) -> None:
        super().__init__(name, vectors, tokenizer)
        self._counted: dict[str, NDArray[np.int64]] = {}  # so that none is tokenised twice

    @property
    def dim(self) -> int:
        """Words of a sentence that are kept."""
        return MAX_WORDS

    @property
    def identity(self) -> dict[str, Any]:
        """What the rows depend on."""
        return super().identity | {"max_tokens": MAX_WORDS}

    def count_tokens(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Count the known words of n sentences: (n,) int64."""
        words, counts = self._known_words(sentences)
        rows = np.split(self._vocabulary.rows[words], np.cumsum(counts)[:-1])
        self._counted = dict(zip(sentences, rows, strict=False))
        return counts

    def encode(self, sentences: list[str]) -> NDArray[np.int32]:
        """Return rows of `vectors.matrix`, (n, 128) int32, PADDING behind the last word."""
        if not self._counted.keys() >= set(sentences):
            self.count_tokens(sentences)
        padded = np.full((len(sentences), MAX_WORDS), PADDING, dtype=np.int32)
        for place, sentence in zip(padded, sentences, strict=True):
            rows = self._counted[sentence][:MAX_WORDS]
            place[: len(rows)] = rows
        return padded


class _Vocabulary:
    """The words met so far.

    Attributes:
        words: m spellings.
        rows: (m,) int64, their rows in the matrix.
    """

    def __init__(self, vectors: WordVectors) -> None:
        self.words: list[str] = []
        self.rows = np.zeros(0, dtype=np.int64)
        self._find = vectors.find
        self._number_of: dict[str, int] = {}
        self._seen: dict[Forms, int] = {}

    def numbers(self, tokens: list[list[Forms]]) -> NDArray[np.int64]:
        """Return the numbers (t,) of all tokens of some sentences, MISSING for unknown words."""
        self._add(list(dict.fromkeys(f for s in tokens for f in s if f not in self._seen)))
        numbers = (self._seen[forms] for sentence in tokens for forms in sentence)
        return np.fromiter(numbers, dtype=np.int64)

    def _add(self, unseen: list[Forms]) -> None:
        rows = iter(self._find([word for forms in unseen for word in forms]).tolist())
        new_rows = []
        for forms in unseen:
            found = [(word, row) for word, row in zip(forms, rows, strict=False) if row != MISSING]
            if found and found[0][0] not in self._number_of:
                self._number_of[found[0][0]] = len(self.words)
                self.words.append(found[0][0])
                new_rows.append(found[0][1])
            self._seen[forms] = self._number_of[found[0][0]] if found else MISSING
        self.rows = np.concatenate([self.rows, np.array(new_rows, dtype=np.int64)])


def _known(
    words: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Leave out unknown words: words (t,) of sentences of so many words (n,) to the same."""
    known = words != MISSING
    sentence = np.repeat(np.arange(len(counts)), counts)
    return words[known], np.bincount(sentence[known], minlength=len(counts))


def _means(vectors: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Average vectors (t, d) of n sentences one behind the other, so many (n,) each: (n, d)."""
    means = np.zeros((len(counts), vectors.shape[1]), dtype=np.float32)
    filled = counts > 0
    starts = np.cumsum(counts) - counts
    if filled.any():
        means[filled] = np.add.reduceat(vectors, starts[filled]) / counts[filled, None]
    return means


def _hash_sentences(sentences: Sequence[str]) -> str:
    """Hash sentences whatever their order."""
    ids = sentence_ids(sentences)
    return f"xxh3:{xxh3_128_hexdigest(ids[np.lexsort((ids[:, 1], ids[:, 0]))].tobytes())}"


_CLASSES: dict[Pooling, type[WordEncoder]] = {
    "mean": MeanEncoder,
    "sif": SifEncoder,
    "tokens": TokenEncoder,
}


def make_word_encoder(name: str, vectors: WordVectors, pooling: Pooling | None) -> WordEncoder:
    """Make an encoder.

    Args:
        name: for people.
        vectors: of the words; their language says which tokenizer.
        pooling: "mean", the default, "sif" or "tokens".

    Raises:
        UserError: another pooling, or the tokenizer's package is missing.
    """
    pooling = pooling or "mean"
    if pooling not in _CLASSES:
        raise UserError(f"{name} has word vectors: take --pooling {', '.join(_CLASSES)}")
    return _CLASSES[pooling](name, vectors, tokenizer_for(vectors.language))
