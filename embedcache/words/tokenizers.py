"""Sentence -> tokens, each with the spellings under which a vector may be found."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from embedcache.errors import UserError

Forms = tuple[str, ...]
"""Spellings of a token; the first that has a vector stands for it."""

_KANA = re.compile("[ぁ-んァ-ヶ]")
_SUDACHI_MODE = "A"  # the shortest units: of a compound the parts are known more often
_SUDACHI_CHARACTERS = 8192  # it refuses more than 49,149 bytes


@dataclass(frozen=True)
class Tokenizer:
    """Cuts sentences into tokens.

    Attributes:
        identity: what the tokens depend on: name, version, dictionary.
        tokenize: sentence to the forms of its tokens.
    """

    identity: dict[str, Any]
    tokenize: Callable[[str], list[Forms]]


def japanese_tokenizer() -> Tokenizer:
    """Return SudachiPy with its core dictionary (Takaoka et al. 2018).

    A token is looked up as it stands, then by its dictionary form, then by its normalised form:
    some vectors were trained on the one, some on the other.

    Raises:
        UserError: a package is missing.
    """
    try:
        from sudachipy import Dictionary, SplitMode

        versions = {name: version(name) for name in ("sudachipy", "sudachidict_core")}
    except ImportError as error:  # as PackageNotFoundError is, too
        raise UserError(
            "Japanese word vectors need a tokenizer: pip install 'segtool[ja]'"
        ) from error
    sudachi = Dictionary(dict="core").create(mode=getattr(SplitMode, _SUDACHI_MODE))

    def tokenize(sentence: str) -> list[Forms]:
        return [
            spellings(token.surface(), token.dictionary_form(), token.normalized_form())
            for start in range(0, len(sentence), _SUDACHI_CHARACTERS)
            for token in sudachi.tokenize(sentence[start : start + _SUDACHI_CHARACTERS])
            if not token.surface().isspace()
        ]

    return Tokenizer({"tokenizer": "sudachi", "mode": _SUDACHI_MODE} | versions, tokenize)


def word_tokenizer() -> Tokenizer:
    """Return the tokenizer of languages with spaces: runs of letters and digits, runs of others."""
    from tokenizers.pre_tokenizers import Whitespace

    split = Whitespace().pre_tokenize_str

    def tokenize(sentence: str) -> list[Forms]:
        return [spellings(token) for token, _ in split(sentence)]

    identity = {"tokenizer": "tokenizers.Whitespace", "tokenizers": version("tokenizers")}
    return Tokenizer(identity, tokenize)


def tokenizer_for(language: str) -> Tokenizer:
    """Return the tokenizer of a language: Sudachi for "ja".

    Raises:
        UserError: its package is missing.
    """
    return japanese_tokenizer() if language == "ja" else word_tokenizer()


def spellings(*words: str) -> Forms:
    """Return words, each as it stands and in lower case, without repeats."""
    return tuple(dict.fromkeys(form for word in words for form in (word, word.lower())))


def has_kana(word: str) -> bool:
    """Say whether a word has hiragana or katakana, which Japanese alone has."""
    return _KANA.search(word) is not None
