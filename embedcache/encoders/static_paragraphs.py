"""Static vectors that were trained on paragraph boundaries in the works of many authors.

Each token has three vectors: one for the mean over all tokens of a sentence, one for the mean over
its first tokens and one for the mean over its last tokens; see `embedcache.encoders.token_means`.
The tokens are those of multilingual-e5-small that are most frequent in Japanese, English, French,
German and Spanish texts. The file `static_paragraphs.safetensors`, which `recipes.static` makes,
contains the tokens, their log-probabilities for the tokenizer, and the vectors, quantized to int8
with a scale for each column.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from embedcache.encoders.e5_small import make_tokenizer
from embedcache.encoders.token_means import EDGE, TokenMeansEncoder, TokenVectors
from embedcache.hashing import hash_files

FILE = Path(__file__).with_suffix(".safetensors")
COMPONENTS = 32  # of each of the three means
UNKNOWN = "<unk>"  # the unknown token, which is the first piece
PIECES, SCORES, VECTORS, SCALE = "pieces", "scores", "vectors", "scale"


class StaticParagraphsEncoder(TokenMeansEncoder):
    """Means of token vectors that were trained on paragraph boundaries.

    The file is read when the encoder is first used; neither torch nor transformers is needed.
    """

    name = "static-paragraphs"
    dim = 3 * COMPONENTS

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that the vectors depend on."""
        return {
            "static-paragraphs": 1,
            "file": hash_files([FILE]),
            "edge": EDGE,
            "max_tokens": None,
        }

    def _load(self) -> TokenVectors:
        from safetensors.numpy import load_file

        content = load_file(FILE)
        pieces = content[PIECES].tobytes().decode().split("\n")
        tokenizer = make_tokenizer(pieces, content[SCORES], unknown=0)
        vectors = content[VECTORS] * content[SCALE].astype(np.float16)
        # where the columns of the first and of the last tokens begin
        first, last = COMPONENTS, 2 * COMPONENTS
        return TokenVectors(
            tokenizer, vectors, (slice(0, first), slice(first, last), slice(last, None))
        )
