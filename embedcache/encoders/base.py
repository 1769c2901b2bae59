"""The interface of encoders, which turn sentences into vectors."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from embedcache.hashing import fingerprint_of
from embedcache.store import StorageDtype, Vectors

Pooling = Literal["cls", "mean", "max", "sif", "tokens"]
"""How a sentence vector is computed from the hidden states of a Transformer ("cls", "mean" or
"max") or from word vectors ("mean" or "sif"; see `embedcache.encoders.sif`). "tokens" combines
nothing: it keeps the words of a sentence as row numbers of their vectors; see
`embedcache.encoders.word_vectors`."""

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""Precision of a Transformer's layers; for "auto", see `embedcache.encoders.TransformerEncoder`.
Other encoders compute in float32."""

Backend = Literal["auto", "torch", "openvino"]
"""Library that runs a Transformer; for "auto", see `embedcache.encoders.TransformerEncoder`."""


@dataclass(frozen=True)
class Execution:
    """How a Transformer is run.

    Attributes:
        device: Device, for example "cpu" or "cuda"; None for the fastest one.
        precision: Precision of the layers.
        backend: Library that runs the Transformer.
    """

    device: str | None = None
    precision: Precision = "auto"
    backend: Backend = "auto"


@dataclass(frozen=True)
class Tokens:
    """Sentences as an encoder reads them.

    Attributes:
        inputs: n inputs of `Encoder.encode_tokens`: token ids, (l,) int32, or sentences.
        lengths: (n,) int64, the number of tokens that the encoder reads, at most its `max_tokens`.
        truncated: (n,) bool, True for sentences that the encoder truncates.
    """

    inputs: list[Any]
    lengths: NDArray[np.int64]
    truncated: NDArray[np.bool_]


class Encoder(ABC):
    """Turns sentences into vectors.

    A subclass sets `name` and `dim` and defines `identity` and `encode`. The other attributes have
    defaults.

    Attributes:
        name: Name in messages and tables.
        dim: Length of a vector.
        storage_dtype: Dtype in which the store must keep the vectors; None if the caller chooses.
        max_tokens: Maximum number of tokens; longer sentences are truncated. None for no limit.
        is_fast: Whether encoding a sentence takes no longer than storing its vector. In a joined
            encoder, the fast parts encode each sentence first.
        token_vectors: (v, d) float32 vectors of tokens, for an encoder whose int32 vectors contain
            row numbers of this matrix; None for other encoders.

    Example:
        >>> class Length(Encoder):
        ...     name = "length"
        ...     dim = 1
        ...     identity = {"length": 1}
        ...
        ...     def encode(self, sentences):
        ...         return np.array([[len(text)] for text in sentences], dtype=np.float32)
        >>> Length().encode(["雨", "rain"])
        array([[1.],
               [4.]], dtype=float32)
    """

    name: str
    dim: int
    storage_dtype: StorageDtype | None = None
    max_tokens: int | None = None
    is_fast: bool = False

    @property
    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Everything that the vectors depend on, except the execution.

        It is a JSON-serializable dictionary.
        """

    @property
    def fingerprint(self) -> str:
        """Hash of `identity`: 32 hexadecimal digits.

        It identifies the space of the vectors in a store.
        """
        return fingerprint_of(self.identity)

    @property
    def precision(self) -> str:
        """Precision of the computation."""
        return "float32"

    @property
    def computation(self) -> str:
        """Text that the store records about the computation.

        It is the precision, followed by the backend if it is not torch.
        """
        return self.precision

    @property
    def is_parallel(self) -> bool:
        """Whether several threads may encode batches at once, each on one core."""
        return False

    @property
    def batch_tokens(self) -> int:
        """Maximum number of tokens in a batch of several sentences, padding included."""
        return 1024

    @property
    def token_vectors(self) -> NDArray[np.float32] | None:
        """Vectors of tokens; see the attributes of the class."""
        return None

    @property
    def parts(self) -> "tuple[Encoder, ...]":
        """Encoders whose vectors are stored separately: this one, or the parts of a joined one."""
        return (self,)

    @abstractmethod
    def encode(self, sentences: list[str]) -> Vectors:
        """Encode n normalized sentences in one batch: (n, dim) float32 or int32."""

    def count_tokens(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Count the tokens of n sentences: (n,) int64.

        By default, the characters are counted instead.
        """
        return np.array([len(sentence) for sentence in sentences], dtype=np.int64)

    def tokenize(self, sentences: Sequence[str]) -> Tokens:
        """Tokenize n normalized sentences, for `encode_tokens`.

        By default, the tokens are only counted; `encode` then tokenizes the sentences itself.
        """
        lengths = self.count_tokens(sentences)
        truncated = np.zeros(len(lengths), dtype=np.bool_)
        if self.max_tokens is not None:
            truncated = lengths > self.max_tokens
            lengths = np.minimum(lengths, self.max_tokens)
        return Tokens(list(sentences), lengths, truncated)

    def encode_tokens(self, inputs: list[Any]) -> Vectors:
        """Encode n sentences in one batch, given their `Tokens.inputs`: (n, dim)."""
        return self.encode(inputs)

    def check_execution(self) -> None:  # noqa: B027 - most run on any machine
        """Check, without loading the encoder, that this machine can run it as requested.

        Raises:
            UserError: The device, the precision or the backend is not available.
        """

    def check_text(self, sentences: Sequence[str]) -> None:  # noqa: B027 - most suit any text
        """Check that the encoder suits a text.

        Raises:
            UserError: The vectors would be meaningless, for example because the encoder does not
                support the language of the text.
        """

    def describe(self) -> dict[str, Any]:
        """Return the properties of the encoder as a JSON-serializable dictionary.

        This may load the model.

        Returns:
            At least `name`, `dim` and `fingerprint`.
        """
        return {
            "name": self.name,
            "dim": self.dim,
            "fingerprint": self.fingerprint,
            "identity": self.identity,
        }
