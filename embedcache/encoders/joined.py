"""Joins several encoders into one that concatenates their vectors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache.encoders.base import Encoder
from embedcache.errors import UserError
from embedcache.store import JOIN


class JoinedEncoder(Encoder):
    """Concatenates the vectors of several encoders.

    The store keeps the vectors of each part under the fingerprint of the part, so that joined
    encoders can share parts. `EmbeddingStore.vectors` concatenates the vectors of the parts.

    Args:
        encoders: Encoders in the order of their columns. A joined encoder is replaced by its parts.

    Raises:
        UserError: A part returns the words of a sentence (int32) instead of a vector.
    """

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        parts = tuple(part for encoder in encoders for part in encoder.parts)
        if any(part.storage_dtype == "int32" for part in parts):
            raise UserError(
                "an encoder with --pooling tokens keeps the words of a sentence and cannot be "
                "joined with another encoder: choose another pooling or a single encoder"
            )
        self._parts = parts
        self.name = JOIN.join(part.name for part in parts)
        self.dim = sum(part.dim for part in parts)
        self.is_fast = all(part.is_fast for part in parts)
        self.storage_dtype = "float32" if all(part.storage_dtype for part in parts) else None

    @property
    def parts(self) -> tuple[Encoder, ...]:
        """Encoders in the order of their columns."""
        return self._parts

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the vectors depend on: the identities of the parts."""
        return {"parts": [part.identity for part in self.parts]}

    @property
    def fingerprint(self) -> str:
        """Fingerprints of the parts, joined by "+"."""
        return JOIN.join(part.fingerprint for part in self.parts)

    @property
    def batch_tokens(self) -> int:
        """Smallest `batch_tokens` of the parts."""
        return min(part.batch_tokens for part in self.parts)

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Encode n sentences with every part: (n, dim) float32."""
        columns = [part.encode(sentences) for part in self.parts]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    def check_execution(self) -> None:
        """Check that this machine can run every part as requested.

        Raises:
            UserError: The device, the precision or the backend of a part is not available.
        """
        for part in self.parts:
            part.check_execution()

    def check_text(self, sentences: Sequence[str]) -> None:
        """Check that every part suits a text.

        Raises:
            UserError: A part does not suit the text.
        """
        for part in self.parts:
            part.check_text(sentences)

    def describe(self) -> dict[str, Any]:
        """Return the properties of the encoder and, as `encoders`, those of its parts."""
        return {
            "name": self.name,
            "dim": self.dim,
            "fingerprint": self.fingerprint,
            "encoders": [part.describe() for part in self.parts],
        }


def join_encoders(encoders: Sequence[Encoder]) -> Encoder:
    """Join encoders; a single encoder is returned unchanged.

    Raises:
        UserError: The encoders cannot be joined; see `JoinedEncoder`.
    """
    return encoders[0] if len(encoders) == 1 else JoinedEncoder(encoders)
