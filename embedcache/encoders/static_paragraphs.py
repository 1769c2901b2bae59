"""Static vectors that were trained on paragraph boundaries in the works of many authors.

Each token has three vectors, one each for the means of all tokens, of the first tokens and of the
last tokens of a sentence; see `embedcache.encoders.token_means`. The tokens are those of
multilingual-e5-small that are most frequent in Japanese, English, French, German and Spanish
novels. The file `static_paragraphs.safetensors`, which `recipes.static` makes, contains the tokens
and the vectors.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import Unigram

from embedcache.encoders.token_means import EDGE, TokenMeansEncoder, TokenVectors
from embedcache.hashing import hash_files

FILE = Path(__file__).with_suffix(".safetensors")
COMPONENTS = 32  # of each of the three means
UNKNOWN = "<unk>"  # the first piece
PIECES, SCORES, VECTORS, SCALE = "pieces", "scores", "vectors", "scale"


class StaticParagraphsEncoder(TokenMeansEncoder):
    """Means of token vectors that were trained on paragraph boundaries.

    The file is read when the encoder is first used; neither torch nor transformers is needed.
    """

    name = "static-paragraphs"
    dim = 3 * COMPONENTS

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the vectors depend on."""
        return {
            "static-paragraphs": 1,
            "file": _hash_file(),
            "edge": EDGE,
            "max_tokens": None,
        }

    def _load(self) -> TokenVectors:
        from safetensors.numpy import load_file

        content = load_file(FILE)
        pieces = content[PIECES].tobytes().decode().split("\n")
        vectors = content[VECTORS] * content[SCALE].astype(np.float16)
        columns = [slice(i * COMPONENTS, (i + 1) * COMPONENTS) for i in range(3)]
        tokenizer = make_tokenizer(pieces, content[SCORES])
        return TokenVectors(tokenizer, vectors, (columns[0], columns[1], columns[2]))


def make_tokenizer(pieces: list[str], scores: NDArray[np.float32]) -> Tokenizer:
    """Make a tokenizer with some of the pieces of multilingual-e5-small.

    It normalizes text and marks spaces like the tokenizer of multilingual-e5-small.

    Args:
        pieces: v pieces, `UNKNOWN` first.
        scores: (v,) logarithm of the probability of each piece.
    """
    tokenizer = Tokenizer(
        Unigram(list(zip(pieces, scores.tolist(), strict=True)), unk_id=0, byte_fallback=False)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


@cache
def _hash_file() -> str:
    return hash_files([FILE])
