"""Transformers that torch runs, loaded by sentence-transformers."""

from __future__ import annotations

import json
from logging import ERROR, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedcache.encoders.base import Precision
from embedcache.encoders.model_settings import ModelSettings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import nn


def silence_transformers() -> None:
    """Turn off the progress bars and the warnings of transformers, such as for missing weights."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def load_model(
    directory: Path,
    transformer_directory: Path,
    settings: ModelSettings,
    device: str,
    precision: Precision,
) -> SentenceTransformer:
    """Load a model.

    Args:
        directory: Folder of the model.
        transformer_directory: Folder of its Transformer.
        settings: Settings of the model.
        device: Device on which the model runs.
        precision: Precision of the layers; pooling and later modules compute in float32.
    """
    import torch
    from sentence_transformers import SentenceTransformer

    silence_transformers()
    getLogger("sentence_transformers").setLevel(ERROR)
    options = {"dtype": getattr(torch, precision)}
    if settings.pooling is None:
        model = SentenceTransformer(
            str(directory), device=device, model_kwargs=options, local_files_only=True
        )
        _restore_weights(model, directory)
    else:
        from sentence_transformers.base.modules import Transformer
        from sentence_transformers.sentence_transformer.modules import Pooling

        cut = None if settings.layer is None else {"num_hidden_layers": settings.layer}
        transformer = Transformer(
            str(transformer_directory), model_kwargs=options, config_kwargs=cut
        )
        pooling = Pooling(settings.dim, pooling_mode=settings.pooling)
        model = SentenceTransformer(modules=[transformer, pooling], device=device)
    model.max_seq_length = settings.max_tokens
    model[0].register_forward_hook(_convert_states)
    return model.eval()


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
