"""Distils the token vectors of a static encoder from a Transformer, as model2vec does.

model2vec: Tulkens and van Dongen 2024, https://github.com/MinishLab/model2vec. The Transformer
encodes each token of the vocabulary separately, as a text of one token. The vectors are then
reduced to their first principal components over the vocabulary. The Transformer always computes in
float32, so that the vectors from two machines differ by little more than the rounding error of
float16.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedcache.encoders.static import COMPONENTS, SETTINGS, VECTORS
from embedcache.encoders.token_ids import find_tokenizer, save_tokenizer
from embedcache.encoders.transformer import TransformerEncoder
from embedcache.errors import UserError
from embedcache.files import write_json
from embedcache.terminal import progress_bar

_BATCH = 1024  # tokens


def write_static(folder: Path, transformer: TransformerEncoder, identity: dict[str, Any]) -> None:
    """Write the files of a static encoder.

    Args:
        folder: Empty folder.
        transformer: Transformer that computes in float32.
        identity: Identity of the static encoder.

    Raises:
        UserError: The tokenizer of the Transformer is implemented in Python.
    """
    tokenizer = find_tokenizer(transformer.model.tokenizer)
    if tokenizer is None:
        raise UserError(
            f"static:{transformer.name} is not possible: the tokenizer of {transformer.name} is "
            "not in the format of the package tokenizers; choose a Transformer that has a "
            "tokenizer.json"
        )
    save_tokenizer(tokenizer, folder)
    vectors = principal_components(encode_vocabulary(transformer), COMPONENTS)
    np.save(folder / VECTORS, vectors.astype(np.float16))
    write_json(folder / SETTINGS, identity, indent=1)


def encode_vocabulary(transformer: TransformerEncoder) -> NDArray[np.float32]:
    """Encode each of the v tokens of a Transformer as a separate text: (v, d) float32."""
    count = len(transformer.model.tokenizer)
    vectors = np.zeros((count, transformer.dim), dtype=np.float32)
    before, after = _special_tokens(transformer)
    description = f"distilling {transformer.name}"
    with progress_bar(count, "tokens", show=True, description=description) as bar:
        for start in range(0, count, _BATCH):
            tokens = np.arange(start, min(start + _BATCH, count))
            rows = [np.concatenate([before, [token], after]) for token in tokens]
            vectors[tokens] = _encode_rows(transformer, np.stack(rows))
            bar.update(len(tokens))
    return vectors


def _special_tokens(
    transformer: TransformerEncoder,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ids of the special tokens before a text, and of those after it."""
    encoding = transformer.model.tokenizer("a", return_special_tokens_mask=True)
    ids = np.array(encoding["input_ids"], dtype=np.int64)
    ordinary = np.flatnonzero(np.array(encoding["special_tokens_mask"]) == 0)
    return ids[: ordinary[0]], ids[ordinary[-1] + 1 :]


def _encode_rows(transformer: TransformerEncoder, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Encode texts of equal length with torch in one batch, without a prompt.

    Args:
        transformer: Transformer to use.
        rows: (n, l) ids of the tokens, including the special tokens.

    Returns:
        (n, d) float32.
    """
    import torch

    ids = torch.from_numpy(rows).to(transformer.device)
    with torch.inference_mode():
        features = transformer.model({"input_ids": ids, "attention_mask": torch.ones_like(ids)})
    vectors: NDArray[np.float32] = features["sentence_embedding"].cpu().numpy()
    return vectors


def principal_components(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return the coordinates of vectors on their first principal components.

    Args:
        vectors: (v, d) vectors.
        count: Maximum number of components.

    Returns:
        (v, c) float32 for c = min(count, d), by decreasing variance.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    scatter = np.zeros((vectors.shape[1], vectors.shape[1]))
    for start in range(0, len(vectors), _BATCH):
        centred = vectors[start : start + _BATCH] - mean
        scatter += centred.T @ centred
    axes = np.linalg.eigh(scatter).eigenvectors[:, : -count - 1 : -1]
    # the sign of an axis is arbitrary: make its largest coordinate positive
    axes *= np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0))
    return np.concatenate(
        [
            ((vectors[start : start + _BATCH] - mean) @ axes).astype(np.float32)
            for start in range(0, len(vectors), _BATCH)
        ]
    )
