"""Chooses the pieces of a large tokenizer that are most frequent in sets of texts."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from embedcache.encoders import e5_small
from embedcache.encoders.static_paragraphs import UNKNOWN
from recipes.token_blocks import training_records


def choose_pieces(
    paths: Sequence[Path], limits: Sequence[int]
) -> tuple[list[str], NDArray[np.float32]]:
    """Return the pieces of multilingual-e5-small that are most frequent in the training documents.

    Args:
        paths: Files that `recipes.sample` wrote, one for each set.
        limits: Number of pieces to take from each set.

    Returns:
        v pieces, the unknown token first, and (v,) float32, their scores: their log-probabilities
        in the tokenizer, and 0 for the unknown token.
    """
    folder = e5_small.model_directory()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = json.loads(tokenizer.to_str())["model"]
    chosen: set[int] = set()
    for path, limit in zip(paths, limits, strict=True):
        counts = np.zeros(tokenizer.get_vocab_size(), dtype=np.int64)
        for record in training_records(path):
            for encoding in tokenizer.encode_batch_fast(
                record["sentences"], add_special_tokens=False
            ):
                np.add.at(counts, encoding.ids, 1)
        counts = counts[: len(model["vocab"])]
        chosen.update(np.argsort(-counts, kind="stable")[:limit].tolist())
    kept = [model["vocab"][number] for number in sorted(chosen - {model["unk_id"]})]
    pieces, scores = zip((UNKNOWN, 0.0), *kept, strict=True)
    return list(pieces), np.array(scores, dtype=np.float32)
