"""Encoders that run a transformer with sentence-transformers and pool its states."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from logging import ERROR, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedcache.encoders.base import Encoder, Precision
from embedcache.encoders.model_settings import ModelSettings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import nn


def silence_transformers() -> None:
    """Silence the progress bars of transformers and its warnings about missing weights."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


class TransformerEncoder(Encoder):
    """A frozen transformer.

    torch is imported and the model is loaded at the first use.

    The layers compute in `precision`. Their last states are converted to float32; pooling, later
    modules and normalization compute in float32. Therefore, in every precision:

    - vectors that the model normalizes have length 1, within 1e-6;
    - a vector has a cosine similarity of at least 0.999 to the vector computed in float32;
    - the vectors of a sentence in different batches differ by at most 1e-5 times their length in
      float32, and by at most 0.02 times their length in bfloat16 and float16.

    Args:
        name: Name in messages and tables.
        directory: Function that returns the model's folder.
        settings: Settings of the model; see `embedcache.encoders.model_settings`.
        device: Device on which the model runs; None for the best one.
        precision: Precision of the layers; "auto" for bfloat16 (float16 on older GPUs) where the
            device computes it in hardware, else float32. The fingerprint does not depend on the
            precision.
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
        self.max_tokens: int = settings.max_tokens
        self.layer = settings.layer
        self._settings = settings
        self._device = device
        self._precision = precision
        self._directory = directory

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the vectors depend on, except the precision."""
        return self._settings.identity

    @cached_property
    def directory(self) -> Path:
        """Folder of the model; packed weights are unpacked at the first use."""
        return self._directory()

    @property
    def transformer_directory(self) -> Path:
        """Folder of the transformer itself, which may be a subfolder of `directory`."""
        return self.directory / self._settings.subfolder

    @cached_property
    def device(self) -> str:
        """Device on which the model runs.

        Raises:
            UserError: This machine does not have the device.
        """
        from embedcache.encoders.devices import best_device, check_device

        return check_device(self._device) if self._device else best_device()

    @cached_property
    def precision(self) -> Precision:
        """Precision of the layers.

        Raises:
            UserError: The device cannot compute in this precision.
        """
        from embedcache.encoders.devices import resolve_precision

        return resolve_precision(self._precision, self.device)

    @property
    def batch_tokens(self) -> int:
        """Number of tokens in a batch: small batches fit in CPU caches; a GPU needs large ones."""
        return 1024 if self.device == "cpu" else 65_536

    @cached_property
    def model(self) -> SentenceTransformer:
        """The loaded model."""
        import torch
        from sentence_transformers import SentenceTransformer

        silence_transformers()
        getLogger("sentence_transformers").setLevel(ERROR)
        options = {"dtype": getattr(torch, self.precision)}
        if self._settings.pooling is None:
            model = SentenceTransformer(
                str(self.directory),
                device=self.device,
                model_kwargs=options,
                local_files_only=True,
            )
            _restore_weights(model, self.directory)
        else:
            from sentence_transformers.base.modules import Transformer
            from sentence_transformers.sentence_transformer.modules import Pooling

            cut = None if self.layer is None else {"num_hidden_layers": self.layer}
            transformer = Transformer(
                str(self.transformer_directory), model_kwargs=options, config_kwargs=cut
            )
            pooling = Pooling(self._settings.dim, pooling_mode=self._settings.pooling)
            model = SentenceTransformer(modules=[transformer, pooling], device=self.device)
        model.max_seq_length = self.max_tokens
        model[0].register_forward_hook(_convert_states)
        return model.eval()

    def count_tokens(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Count the tokens of n sentences, prompt and special tokens included: (n,) int64."""
        if not sentences:  # the tokenizer does not accept an empty list
            return np.zeros(0, dtype=np.int64)
        prompted = [self._settings.prompt + sentence for sentence in sentences]
        rows = self.model.tokenizer(prompted, verbose=False)["input_ids"]
        return np.array([len(row) for row in rows], dtype=np.int64)

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Encode n sentences in one batch: (n, dim) float32."""
        if not sentences:  # sentence-transformers returns an array without the second axis
            return np.zeros((0, self.dim), dtype=np.float32)
        vectors: NDArray[np.float32] = self.model.encode(
            sentences,
            prompt=self._settings.prompt,
            batch_size=len(sentences),
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return vectors

    def encode_tokens(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        """Encode tokens, each as a text of its own, without a prompt.

        Args:
            tokens: (n,) ids of tokens, for one batch.

        Returns:
            (n, dim) float32.
        """
        import torch

        before, after = self._special_tokens
        rows = np.concatenate(
            [np.tile(before, (len(tokens), 1)), tokens[:, None], np.tile(after, (len(tokens), 1))],
            axis=1,
        )
        ids = torch.from_numpy(rows).to(self.device)
        with torch.inference_mode():
            features = self.model({"input_ids": ids, "attention_mask": torch.ones_like(ids)})
        vectors: NDArray[np.float32] = features["sentence_embedding"].cpu().numpy()
        return vectors

    @cached_property
    def _special_tokens(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids of the special tokens before a text, and of those after it."""
        encoding = self.model.tokenizer("a", return_special_tokens_mask=True)
        ids = np.array(encoding["input_ids"], dtype=np.int64)
        own = np.flatnonzero(np.array(encoding["special_tokens_mask"]) == 0)
        return ids[: own[0]], ids[own[-1] + 1 :]

    def describe(self) -> dict[str, Any]:
        """Load the model and return its size, limits and fingerprint."""
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
    """Reload the weights of all modules but the first in float32.

    sentence-transformers converts them to the dtype of the first module.
    """
    entries = json.loads((directory / "modules.json").read_text(encoding="utf-8"))
    later: list[Any] = list(model.children())[1:]
    for module, entry in zip(later, entries[1:], strict=True):
        if next(module.parameters(), None) is not None:
            module.float()
            module.load_torch_weights(
                str(directory), entry["path"], local_files_only=True, model=module
            )


def _convert_states(_module: nn.Module, _inputs: Any, features: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Convert the outputs of a model's first module to float32."""
    import torch

    return {
        name: value.float() if torch.is_tensor(value) and value.is_floating_point() else value
        for name, value in features.items()
    }
