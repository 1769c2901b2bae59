"""A training batch, in the same form for all heads."""

from dataclasses import dataclass

from torch import Tensor

from segclf.inputs.sentence_tensors import Sentences

EVERYTHING = slice(None)
"""Share of each batch that a worker reads if it trains alone."""


@dataclass(frozen=True)
class Batch:
    """Inputs and targets of one training step, for b candidates.

    Attributes:
        sentences: Vectors or words of s sentences.
        index: Second argument of the head's `forward`, int64. For a window head: (b, 2w) positions
            in `sentences`, OUTSIDE beyond the document. For a document head: (m + 1,) offsets in
            `sentences` of m documents or crops.
        targets: (b,) float32, 1 if the candidate begins a paragraph and 0 otherwise.
    """

    sentences: Sentences
    index: Tensor
    targets: Tensor
