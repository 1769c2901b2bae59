"""Tokenization of sentences for a Transformer, without importing transformers."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from embedcache.encoders.base import Tokens
from embedcache.encoders.partial_vocabulary import PartialVocabulary

TOKENIZER = "tokenizer.json"
_FEW_CHARACTERS = 20_000  # for longer texts, loading the whole vocabulary is faster
_MAX_PARTS = 2  # after more calls, it would have been faster to load the whole vocabulary once


class SentenceTokenizer:
    """The tokenizer of a Transformer. Several threads may use it.

    Loading a large vocabulary takes about a second. Therefore the first texts, if they are short,
    are tokenized with the part of the vocabulary that occurs in them. The result is the same.

    Args:
        folder: Folder with the file that `save_tokenizer` writes, and possibly with those of
            `PartialVocabulary.save`.
        prompt: Text that precedes every sentence.
        max_tokens: Maximum number of tokens of a sentence, prompt and special tokens included.
    """

    def __init__(self, folder: Path, prompt: str, max_tokens: int) -> None:
        self._folder = folder
        self._prompt = prompt
        self._max_tokens = max_tokens
        self._whole: Tokenizer | None = None
        self._parts = 0  # number of parts of the vocabulary that were made
        self._lock = threading.Lock()  # `_encode` changes the truncation of a tokenizer

    def tokenize(self, sentences: Sequence[str]) -> Tokens:
        """Tokenize n sentences; the inputs are token ids, special tokens included."""
        with self._lock:
            return self._tokenize([self._prompt + sentence for sentence in sentences])

    def _tokenize(self, texts: list[str]) -> Tokens:
        is_short = sum(map(len, texts)) <= _FEW_CHARACTERS
        if self._whole is None and self._parts < _MAX_PARTS and is_short:
            partial = PartialVocabulary.open(self._folder)
            if partial is not None and partial.suits(texts):
                self._parts += 1
                tokenizer, whole_ids = partial.tokenizer_for(texts)
                return self._encode(tokenizer, texts, whole_ids)
        if self._whole is None:
            self._whole = load_tokenizer(self._folder)
        return self._encode(self._whole, texts)

    def _encode(
        self, tokenizer: Tokenizer, texts: list[str], whole_ids: NDArray[np.int32] | None = None
    ) -> Tokens:
        """Tokenize texts.

        Args:
            tokenizer: Tokenizer.
            texts: n texts.
            whole_ids: (k,) for each of the k ids of the tokenizer, the id in the whole vocabulary;
                None if the tokenizer has the whole vocabulary.
        """
        rows = [np.array(found.ids, np.int32) for found in tokenizer.encode_batch_fast(texts)]
        counts = np.array([len(row) for row in rows], dtype=np.int64)
        truncated = counts > self._max_tokens
        if truncated.any():
            tokenizer.enable_truncation(self._max_tokens)
            long = np.flatnonzero(truncated)
            found = tokenizer.encode_batch_fast([texts[position] for position in long])
            for position, encoding in zip(long, found, strict=True):
                rows[position] = np.array(encoding.ids, np.int32)
            tokenizer.no_truncation()
        if whole_ids is not None:
            rows = [whole_ids[row] for row in rows]
        return Tokens(rows, np.minimum(counts, self._max_tokens), truncated)


def find_tokenizer(tokenizer: Any) -> Tokenizer | None:  # noqa: ANN401
    """Return the tokenizer of the package tokenizers that a tokenizer of transformers wraps.

    The result is None if the tokenizer is implemented in Python.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend if isinstance(backend, Tokenizer) else None


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Turn off padding and truncation in a tokenizer, and write it into a folder."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / TOKENIZER), pretty=False)


def load_tokenizer(folder: Path) -> Tokenizer:
    """Load the tokenizer that `save_tokenizer` has written into a folder."""
    return Tokenizer.from_file(str(folder / TOKENIZER))
