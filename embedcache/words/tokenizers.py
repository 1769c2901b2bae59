"""Tokenizers, which return each token with the spellings to look up."""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from embedcache.errors import UserError

Forms = tuple[str, ...]
"""Spellings of a token; the first one that has a vector represents the token."""

_SUDACHI_MODE = "A"  # the shortest units, which have vectors more often than compounds
_SUDACHI_CHARACTERS = 8192  # per call
_SUDACHI_BYTES = 49_149  # SudachiPy's limit per call; its limit for the normalized text is 65,535
_MOST_BYTES = 33  # maximum size in UTF-8 of a character after NFKC


@dataclass(frozen=True)
class Tokenizer:
    """Splits sentences into tokens.

    Attributes:
        identity: Everything that the tokens depend on: name, versions, dictionary.
        tokenize: Function that returns the spellings of each token of a sentence.
    """

    identity: dict[str, Any]
    tokenize: Callable[[str], list[Forms]]


def japanese_tokenizer() -> Tokenizer:
    """Return a tokenizer that uses SudachiPy and its core dictionary (Takaoka et al. 2018).

    The spellings of a token are its surface form, its dictionary form and its normalized form,
    because word vectors may be trained on any of these.

    Raises:
        UserError: A package is missing.
    """
    try:
        from sudachipy import Dictionary, SplitMode

        versions = {name: version(name) for name in ("sudachipy", "sudachidict_core")}
    except ImportError as error:  # also PackageNotFoundError
        raise UserError(
            "Japanese word vectors need a tokenizer: run pip install 'segtool[ja]'"
        ) from error
    sudachi = Dictionary(dict="core").create(mode=getattr(SplitMode, _SUDACHI_MODE))

    def tokenize(sentence: str) -> list[Forms]:
        return [
            spellings(token.surface(), token.dictionary_form(), token.normalized_form())
            for piece in _pieces(sentence)
            for token in sudachi.tokenize(piece)
            if not token.surface().isspace()
        ]

    return Tokenizer({"tokenizer": "sudachi", "mode": _SUDACHI_MODE} | versions, tokenize)


def word_tokenizer() -> Tokenizer:
    """Return the tokenizer for words separated by spaces; runs of punctuation are tokens too."""
    from tokenizers.pre_tokenizers import Whitespace

    split = Whitespace().pre_tokenize_str

    def tokenize(sentence: str) -> list[Forms]:
        return [spellings(token) for token, _ in split(sentence)]

    identity = {"tokenizer": "tokenizers.Whitespace", "tokenizers": version("tokenizers")}
    return Tokenizer(identity, tokenize)


def tokenizer_for(language: str) -> Tokenizer:
    """Return the tokenizer of a language: SudachiPy for "ja", otherwise `word_tokenizer`.

    Raises:
        UserError: A package is missing.
    """
    return japanese_tokenizer() if language == "ja" else word_tokenizer()


def spellings(*words: str) -> Forms:
    """Return each word unchanged and in lower case, without repeats."""
    return tuple(dict.fromkeys(form for word in words for form in (word, word.lower())))


def _pieces(sentence: str) -> Iterator[str]:
    """Split a sentence into pieces that SudachiPy accepts."""
    for start in range(0, len(sentence), _SUDACHI_CHARACTERS):
        yield from _halve(sentence[start : start + _SUDACHI_CHARACTERS])


def _halve(piece: str) -> Iterator[str]:
    """Split a piece into halves until they are short enough after SudachiPy normalizes them."""
    is_short = len(piece) * _MOST_BYTES <= _SUDACHI_BYTES
    if is_short or len(unicodedata.normalize("NFKC", piece.lower()).encode()) <= _SUDACHI_BYTES:
        yield piece
    else:
        middle = len(piece) // 2
        yield from _halve(piece[:middle])
        yield from _halve(piece[middle:])
