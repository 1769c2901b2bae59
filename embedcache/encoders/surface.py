"""What a sentence looks like: its length and scripts, its brackets, how it begins and ends.

No model: what the mean of a transformer's states blurs, such as whether speech goes on.
"""

import math
import unicodedata
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from embedcache.encoders.base import fingerprint_of
from embedcache.store import StorageDtype

EDGE = 3  # characters of each end whose kinds count
BUCKETS = 64  # for the first and for the last character
LONG = 50  # characters
MANY = 3  # brackets that are not told apart from more

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
_KINDS = tuple(dict.fromkeys([*_MARKS, *_CATEGORIES.values(), *_SCRIPTS.values(), *_OTHERS]))
_OPEN = (_KINDS.index("quote opens"), _KINDS.index("bracket opens"))
_CLOSE = (_KINDS.index("quote closes"), _KINDS.index("bracket closes"))


class SurfaceEncoder:
    """Counts and flags of a sentence's characters, all between -1 and about 1.

    In this order: two measures of length; the share of each kind of character; quotation marks and
    other brackets opened and closed, and how deep in them the sentence ends, and how far it leaves
    those that were open before it; the kinds of the first and the last three characters; the first
    and the last character, each hashed into one of 64 places. Quotation marks are those of
    Japanese, the curly and the angled ones; a curly apostrophe counts as one, a straight mark not.

    Attributes:
        name: "surface".
        dim: length of a vector.
        identity: what the vectors depend on.
        fingerprint: the hash of it.
        storage_dtype: how the store keeps them, whatever the vectors beside them.
    """

    name = "surface"
    batch_tokens = 1 << 20
    storage_dtype: StorageDtype = "float32"
    dim = 2 + len(_KINDS) + 6 + 2 * EDGE * len(_KINDS) + 2 * BUCKETS
    identity: ClassVar[dict[str, Any]] = {"surface": 1, "dim": dim}
    fingerprint = fingerprint_of(identity)

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Describe n sentences: (n, dim) float32."""
        vectors = np.zeros((len(sentences), self.dim), dtype=np.float32)
        for vector, sentence in zip(vectors, sentences, strict=True):
            if sentence:
                _describe(sentence, vector)
        return vectors

    def describe(self) -> dict[str, Any]:
        """Tell its size and fingerprint."""
        return {"name": self.name, "dim": self.dim, "fingerprint": self.fingerprint}


def _describe(sentence: str, vector: NDArray[np.float32]) -> None:
    """Fill in the vector (dim,) of a sentence."""
    kinds = [_kind(character) for character in sentence]
    vector[0] = math.log(len(kinds)) / 5
    vector[1] = min(len(kinds) / LONG, 1)
    shares = 2 + len(_KINDS)
    vector[2:shares] = np.bincount(kinds, minlength=len(_KINDS)) / len(kinds)
    brackets = shares + 6
    vector[shares:brackets] = _brackets(kinds)
    edges = brackets + 2 * EDGE * len(_KINDS)
    for place, kind in enumerate(kinds[:EDGE]):
        vector[brackets + place * len(_KINDS) + kind] = 1
    for place, kind in enumerate(kinds[: -EDGE - 1 : -1]):
        vector[brackets + (EDGE + place) * len(_KINDS) + kind] = 1
    vector[edges + _bucket(sentence[0])] = 1
    vector[edges + BUCKETS + _bucket(sentence[-1])] = 1


def _brackets(kinds: list[int]) -> list[float]:
    """Count what opens and closes, the depth at the end, and the lowest on the way."""
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
def _kind(character: str) -> int:
    """Return the number of a character's kind."""
    for name, marks in _MARKS.items():
        if character in marks:
            return _KINDS.index(name)
    category = unicodedata.category(character)
    if category in _CATEGORIES:
        return _KINDS.index(_CATEGORIES[category])
    if category[0] in "PS":
        return _KINDS.index("other mark")
    script = unicodedata.name(character, "").split(" ")[0].split("-")[0]
    fallback = "letter" if category[0] in "LM" else "other"
    return _KINDS.index(_SCRIPTS.get(script, fallback))


@lru_cache(maxsize=1 << 16)
def _bucket(character: str) -> int:
    return xxh3_64_intdigest(character.encode()) % BUCKETS
