"""Features of a sentence's characters: length, scripts, brackets, first and last characters.

They need no model. They preserve information that is lost when the hidden states of a Transformer
are averaged, such as whether a quotation is still open at the end of the sentence.
"""

import math
import unicodedata
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from embedcache.encoders.base import Encoder
from embedcache.store import StorageDtype

EDGE = 3  # characters at each end whose kinds are features
BUCKETS = 64  # hash buckets for the first and for the last character
LONG = 50  # characters; the second measure of length is 1 from this length on
MANY = 3  # counts of brackets and nesting depths are clipped to this

_MARKS = {
    "quote opens": "「『“‘«",
    "quote closes": "」』”’»",
    "full stop": ".。．",
    "question": "?!？！",
    "comma": ",、，;；:：",
    "dash": "…‥―—–〜～",
}
_CATEGORIES = {
    "Ps": "bracket opens",
    "Pe": "bracket closes",
    "Pi": "quote opens",
    "Pf": "quote closes",
    "Pd": "dash",
    "Nd": "digit",
    "Nl": "digit",
    "No": "digit",
    "Lu": "capital",
}
_SCRIPTS = {"HIRAGANA": "hiragana", "KATAKANA": "katakana", "CJK": "han", "HANGUL": "hangul"}
_OTHERS = ("other mark", "letter", "other")
KINDS = tuple(dict.fromkeys([*_MARKS, *_CATEGORIES.values(), *_SCRIPTS.values(), *_OTHERS]))
"""Kinds of characters, in the order of their features."""
_OPEN = (KINDS.index("quote opens"), KINDS.index("bracket opens"))
_CLOSE = (KINDS.index("quote closes"), KINDS.index("bracket closes"))


class SurfaceEncoder(Encoder):
    """Counts and flags of a sentence's characters.

    The features are, in this order: two measures of length; the share of each kind of character;
    the numbers of opening quotation marks, other opening brackets, closing quotation marks and
    other closing brackets; the nesting depth at the end, and the lowest depth; the kinds of the
    first and the last three characters; the first and the last character, each hashed into one of
    64 buckets. Quotation marks are Japanese, curly or angled. A curly apostrophe counts as a
    quotation mark; straight quotation marks and apostrophes do not.

    All features are between -1 and 1, except that the first measure of length exceeds 1 in
    sentences of more than 148 characters. The vector of an empty sentence is zero.
    """

    name = "surface"
    dim = 2 + len(KINDS) + 6 + 2 * EDGE * len(KINDS) + 2 * BUCKETS
    batch_tokens = 1 << 20
    # even when joined with an encoder whose vectors are stored as float16
    storage_dtype: StorageDtype | None = "float32"
    is_fast = True

    @property
    def identity(self) -> dict[str, Any]:
        """Version of the features, and the length of a vector."""
        return {"surface": 1, "dim": self.dim}

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Encode n sentences: (n, dim) float32."""
        vectors = np.zeros((len(sentences), self.dim), dtype=np.float32)
        for vector, sentence in zip(vectors, sentences, strict=True):
            if sentence:
                _fill(sentence, vector)
        return vectors


def _fill(sentence: str, vector: NDArray[np.float32]) -> None:
    """Fill in the vector (dim,) of a sentence."""
    kinds = [kind_of(character) for character in sentence]
    vector[0] = math.log(len(kinds)) / 5
    vector[1] = min(len(kinds) / LONG, 1)
    brackets = 2 + len(KINDS)  # where these features begin
    vector[2:brackets] = np.bincount(kinds, minlength=len(KINDS)) / len(kinds)
    edges = brackets + 6
    vector[brackets:edges] = _brackets(kinds)
    for position, kind in enumerate(kinds[:EDGE]):
        vector[edges + position * len(KINDS) + kind] = 1
    for position, kind in enumerate(kinds[: -EDGE - 1 : -1]):
        vector[edges + (EDGE + position) * len(KINDS) + kind] = 1
    buckets = edges + 2 * EDGE * len(KINDS)
    vector[buckets + _bucket(sentence[0])] = 1
    vector[buckets + BUCKETS + _bucket(sentence[-1])] = 1


def _brackets(kinds: list[int]) -> list[float]:
    """Count opening and closing brackets, and find the final and the lowest depth of nesting.

    Returns:
        Six numbers, clipped to the range from -MANY to MANY and divided by MANY.
    """
    depth = lowest = 0
    for kind in kinds:
        if kind in _OPEN:
            depth += 1
        elif kind in _CLOSE:
            depth -= 1
            lowest = min(lowest, depth)
    counts = [kinds.count(kind) for kind in (*_OPEN, *_CLOSE)]
    return [max(min(count, MANY), -MANY) / MANY for count in (*counts, depth, lowest)]


@lru_cache(maxsize=1 << 16)
def kind_of(character: str) -> int:
    """Return the index of a character's kind in KINDS."""
    for name, marks in _MARKS.items():
        if character in marks:
            return KINDS.index(name)
    category = unicodedata.category(character)
    if category in _CATEGORIES:
        return KINDS.index(_CATEGORIES[category])
    if category[0] in "PS":
        return KINDS.index("other mark")
    script = unicodedata.name(character, "").split(" ")[0].split("-")[0]
    fallback = "letter" if category[0] in "LM" else "other"
    return KINDS.index(_SCRIPTS.get(script, fallback))


@lru_cache(maxsize=1 << 16)
def _bucket(character: str) -> int:
    return xxh3_64_intdigest(character.encode()) % BUCKETS
