"""Any transformer that sentence-transformers runs: sentence in, pooled vector out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from logging import ERROR, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedcache.encoders.base import Precision, fingerprint_of
from embedcache.encoders.model_settings import ModelSettings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import nn


def silence_transformers() -> None:
    """Keep transformers from telling of its loading bars and of weights that a model leaves out."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


class TransformerEncoder:
    """A frozen transformer; torch is imported and the model loaded at the first use.

    The layers compute in `precision`. Their last states are converted to float32, and pooling,
    later modules and normalisation compute in float32. So in every precision

    - the vectors of an encoder that normalises have length 1, within 1e-6;
    - a vector has a cosine of at least 0.999 to the one that is computed in float32;
    - a sentence has the same vector in every batch, up to a distance of 1e-5 of the vector's
      length in float32, and of 0.02 of it in bfloat16 and float16.

    Args:
        name: for people.
        directory: gives the model's folder.
        settings: what `embedcache.encoders.model_settings` read from it.
        device: where to compute; None for the best there is.
        precision: what the layers compute in. The fingerprint does not depend on it.
    """

    def __init__(
        self,
        name: str,
        directory: Callable[[], Path],
        settings: ModelSettings,
        device: str | None = None,
        precision: Precision = "auto",
    ) -> None:
        self.name = name
        self.dim = settings.dim
        self.max_tokens = settings.max_tokens
        self.layer = settings.layer
        self.identity: dict[str, Any] = settings.identity
        self.fingerprint = fingerprint_of(settings.identity)
        self._settings = settings
        self._device = device
        self._precision = precision
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
    def precision(self) -> Precision:
        """What its layers compute in.

        Raises:
            UserError: the device cannot compute in the precision that was asked for.
        """
        from embedcache.encoders.devices import resolve_precision

        return resolve_precision(self._precision, self.device)

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
            _restore_weights(model, self.directory)
        else:
            from sentence_transformers.base.modules import Transformer
            from sentence_transformers.sentence_transformer.modules import Pooling

            cut = None if self.layer is None else {"num_hidden_layers": self.layer}
            transformer = Transformer(path, model_kwargs=options, config_kwargs=cut)
            pooling = Pooling(self._settings.dim, pooling_mode=self._settings.pooling)
            model = SentenceTransformer(modules=[transformer, pooling], device=self.device)
        model.max_seq_length = self.max_tokens
        model[0].register_forward_hook(_convert_states)
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
        return vectors

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


def _restore_weights(model: SentenceTransformer, directory: Path) -> None:
    """Load the weights of all modules but the first in float32: they come as the first's dtype."""
    entries = json.loads((directory / "modules.json").read_text(encoding="utf-8"))
    later: list[Any] = list(model.children())[1:]
    for module, entry in zip(later, entries[1:], strict=True):
        if next(module.parameters(), None) is not None:
            module.float()
            module.load_torch_weights(
                str(directory), entry["path"], local_files_only=True, model=module
            )


def _convert_states(_module: nn.Module, _inputs: Any, features: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Convert to float32 what a model's first module hands to the next."""
    import torch

    return {
        name: value.float() if torch.is_tensor(value) and value.is_floating_point() else value
        for name, value in features.items()
    }
