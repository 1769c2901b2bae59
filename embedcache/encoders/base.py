"""What stage one needs to know of an encoder."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Pooling = Literal["cls", "mean", "max", "sif", "tokens"]
"""From a sentence's tokens to its vector. `sif` and `tokens` are for word vectors: see
`embedcache.encoders.word_vectors`."""

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""What a transformer's matrix products are computed in; "auto" is the fastest that the device
computes in hardware. Other encoders compute in float32."""


class Encoder(Protocol):
    """Turns sentences into vectors.

    An encoder may also have `identity` (dict, what the fingerprint is the hash of) and `precision`
    (str, what it computes in), which are written into the store for the record, `batch_tokens`
    (int), how many tokens (characters, if it does not count tokens) a batch should hold, and
    `storage_dtype`, where its vectors must be stored as no other.

    Attributes:
        name: for people.
        dim: length of a vector.
        fingerprint: names the vectors' space in the store. Two encoders share it only if their
            vectors are the same but for the precision of the computation.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def dim(self) -> int: ...  # noqa: D102
    @property
    def fingerprint(self) -> str: ...  # noqa: D102

    def encode(self, sentences: list[str]) -> NDArray[np.float32] | NDArray[np.int32]:
        """Encode n sentences, in one batch: (n, dim)."""
        ...


@runtime_checkable
class CountsTokens(Protocol):
    """An encoder that knows how long a sentence is to it."""

    @property
    def max_tokens(self) -> int:
        """The longest sentence that it reads whole."""
        ...

    def count_tokens(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Count the tokens of n sentences, prompt and special tokens with them: (n,) int64."""
        ...


def fingerprint_of(identity: dict[str, Any]) -> str:
    """Hash what an encoder's vectors depend on into 32 hexadecimal digits."""
    canonical = json.dumps(identity, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
