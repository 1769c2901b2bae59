"""Encoders that run a Transformer and pool its hidden states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedcache.encoders.base import Backend, Encoder, Execution, Precision, Tokens
from embedcache.encoders.model_settings import ModelSettings, weight_bytes
from embedcache.encoders.openvino_model import (
    CompiledTransformer,
    UnsupportedModelError,
    can_compute,
    converted_directory,
)
from embedcache.encoders.pooling import TokenPooling, find_pooling
from embedcache.encoders.processor import computes_bfloat16, may_have_gpu
from embedcache.encoders.threads import limit_threads
from embedcache.encoders.torch_model import load_model
from embedcache.errors import UserError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_MIN_BYTES = 10_000_000  # of weights; converting a smaller model takes longer than it saves


class TransformerEncoder(Encoder):
    """A frozen Transformer.

    The model is loaded on first use, by OpenVINO or by sentence-transformers with torch.

    The layers compute in `precision`. The hidden states of the last layer are converted to float32;
    pooling, later modules and normalization compute in float32. Therefore, in every precision:

    - vectors that the model normalizes have unit length, within 1e-6;
    - a vector has a cosine similarity of at least 0.999 to the vector computed in float32;
    - the vectors of a sentence in different batches differ by at most 1e-5 times their length in
      float32, and by at most 0.02 times their length in bfloat16 and float16.

    Args:
        name: Name in messages and tables.
        directory: Function that returns the model's folder.
        settings: Settings of the model; see `embedcache.encoders.model_settings`.
        execution: How the model is run. The precision "auto" is bfloat16 (float16 on older CUDA
            GPUs) on CUDA GPUs and on CPUs that compute it in hardware, otherwise float32. The
            backend "auto" is OpenVINO on a CPU if it supports the model and the precision, and if
            the model has at least 10 MB of weights; otherwise torch. The fingerprint does not
            depend on the execution.
    """

    def __init__(
        self,
        name: str,
        directory: Callable[[], Path],
        settings: ModelSettings,
        execution: Execution = Execution(),  # noqa: B008 - it is frozen
    ) -> None:
        self.name = name
        self.dim = settings.dim
        self.max_tokens: int = settings.max_tokens
        self.layer = settings.layer
        self._settings = settings
        self._execution = execution
        self._directory = directory

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the vectors depend on, except the execution."""
        return self._settings.identity

    @cached_property
    def directory(self) -> Path:
        """Folder of the model; packed weights are unpacked on first use."""
        return self._directory()

    @property
    def transformer_directory(self) -> Path:
        """Folder of the Transformer itself, which may be a subfolder of `directory`."""
        return self.directory / self._settings.subfolder

    @cached_property
    def device(self) -> str:
        """Device on which the model runs.

        Raises:
            UserError: This machine does not have the device.
        """
        if self._execution.device == "cpu" or not (self._execution.device or may_have_gpu()):
            return "cpu"  # without importing torch
        from embedcache.encoders.devices import best_device, check_device

        return check_device(self._execution.device) if self._execution.device else best_device()

    @cached_property
    def precision(self) -> Precision:
        """Precision of the layers.

        Raises:
            UserError: This machine does not have the device, or the device cannot compute in this
                precision.
        """
        if self.device == "cpu" and self._execution.precision in ("auto", "float32"):
            use_bfloat16 = computes_bfloat16() if self._execution.precision == "auto" else False
            if use_bfloat16 is not None:  # without importing torch
                return "bfloat16" if use_bfloat16 else "float32"
        from embedcache.encoders.devices import resolve_precision

        return resolve_precision(self._execution.precision, self.device)

    @property
    def batch_tokens(self) -> int:
        """Maximum number of tokens in a batch: small batches fit in CPU caches; GPUs need more."""
        return 1024 if self.device == "cpu" else 65_536

    @cached_property
    def model(self) -> SentenceTransformer:
        """The model in torch, loaded on first use."""
        return self._load_model(self.device, self.precision)

    def _load_model(self, device: str, precision: Precision) -> SentenceTransformer:
        return load_model(
            self.directory, self.transformer_directory, self._settings, device, precision
        )

    @property
    def backend(self) -> Backend:
        """Library that runs the model.

        Raises:
            UserError: The chosen library cannot run the model on this machine.
        """
        return "torch" if self._compiled is None else "openvino"

    @property
    def backend_reason(self) -> str:
        """Why `backend` was chosen."""
        return self._choice[1]

    @property
    def _compiled(self) -> CompiledTransformer | None:
        """The model in OpenVINO; None if torch runs the model."""
        return self._choice[0]

    @cached_property
    def _choice(self) -> tuple[CompiledTransformer | None, str]:
        """The model in OpenVINO, or None if torch runs it, and the reason for this choice.

        Raises:
            UserError: OpenVINO was chosen and cannot run the model, or the device or the precision
                is not available.
        """
        wanted = self._execution.backend
        if wanted == "torch":
            return None, "as chosen"
        try:
            return self._compile(), "as chosen" if wanted == "openvino" else "faster than torch"
        except UnsupportedModelError as error:
            if wanted == "openvino":
                raise self._unsupported(error) from error
            return None, str(error)

    def _unsupported(self, error: UnsupportedModelError) -> UserError:
        return UserError(f"--backend openvino cannot run {self.name}: {error}; use --backend torch")

    def check_execution(self) -> None:
        """Check, without loading the encoder, that this machine can run it as requested.

        Raises:
            UserError: The device, the precision or the backend is not available.
        """
        # settings that are not requested are chosen on first use
        if self._execution.device:
            _ = self.device
        if self._execution.precision != "auto":
            _ = self.precision
        if self._execution.backend == "openvino":
            try:
                self._find_pooling()
            except UnsupportedModelError as error:
                raise self._unsupported(error) from error

    def _find_pooling(self) -> TokenPooling:
        """Return the pooling of the model in OpenVINO.

        Raises:
            UnsupportedModelError: OpenVINO cannot run the model on this device.
        """
        if self.device != "cpu":
            raise UnsupportedModelError(
                f"OpenVINO is used on CPUs only, and the device is {self.device}"
            )
        if not can_compute(self.precision):
            raise UnsupportedModelError(f"this CPU does not compute {self.precision} in hardware")
        pooling = find_pooling(self.directory, self._settings)
        if pooling is None:
            raise UnsupportedModelError("the model has modules that only torch can run")
        return pooling

    def _compile(self) -> CompiledTransformer:
        """Load the model in OpenVINO.

        Raises:
            UnsupportedModelError: OpenVINO cannot run the model, or a conversion is not worthwhile.
        """
        pooling = self._find_pooling()
        source = self.transformer_directory
        if self._execution.backend == "auto" and weight_bytes(source) < _MIN_BYTES:
            raise UnsupportedModelError("the model is too small to be worth a conversion")
        folder = converted_directory(
            self.name, self.fingerprint, source, lambda: self._load_model("cpu", "float32")
        )
        prompt, limit = self._settings.prompt, self.max_tokens
        return CompiledTransformer(folder, source, prompt, limit, pooling, self.precision)

    @property
    def is_parallel(self) -> bool:
        """Whether several threads may encode batches at once; True on a CPU."""
        return self.device == "cpu"

    @property
    def computation(self) -> str:
        """Text that the store records about the computation.

        It is the precision, followed by the backend if it is not torch.
        """
        suffix = "" if self.backend == "torch" else f" with {self.backend}"
        return self.precision + suffix

    def count_tokens(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Count the tokens of n sentences, prompt and special tokens included: (n,) int64."""
        if not sentences:  # the tokenizer does not accept an empty list
            return np.zeros(0, dtype=np.int64)
        prompted = [self._settings.prompt + sentence for sentence in sentences]
        rows = self.model.tokenizer(prompted, verbose=False)["input_ids"]
        return np.array([len(row) for row in rows], dtype=np.int64)

    def tokenize(self, sentences: Sequence[str]) -> Tokens:
        """Tokenize n normalized sentences, for `encode_tokens`."""
        return self._compiled.tokenize(sentences) if self._compiled else super().tokenize(sentences)

    def encode_tokens(self, inputs: list[Any]) -> NDArray[np.float32]:
        """Encode n sentences in one batch, given their `Tokens.inputs`: (n, dim) float32."""
        if self._compiled:
            return self._compiled.encode(inputs)
        # on a CPU, batches are encoded in parallel, each on one core
        with limit_threads(1 if self.device == "cpu" else None):
            vectors: NDArray[np.float32] = self.model.encode(
                inputs,
                prompt=self._settings.prompt,
                batch_size=len(inputs),
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return vectors

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Encode n sentences in one batch: (n, dim) float32."""
        if not sentences:  # sentence-transformers returns an array without the second axis
            return np.zeros((0, self.dim), dtype=np.float32)
        return self.encode_tokens(self.tokenize(sentences).inputs)

    def describe(self) -> dict[str, Any]:
        """Load the model and return its properties as a JSON-serializable dictionary."""
        parameters = list(self.model.parameters())
        return {
            "name": self.name,
            "dim": self.dim,
            "parameters": sum(p.numel() for p in parameters),
            "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
            "max_tokens": self.max_tokens,
            "precision": self.precision,
            "backend": self.backend,
            "backend_reason": self.backend_reason,
            "fingerprint": self.fingerprint,
            "identity": self.identity,
        }
