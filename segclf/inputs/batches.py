"""A training batch, the same for all heads."""

from dataclasses import dataclass

from torch import Tensor

from segclf.inputs.examples import Sentences


@dataclass(frozen=True)
class Batch:
    """Inputs and targets of one training step, for b candidates.

    Attributes:
        sentences: Vectors or words of s sentences.
        index: Second argument of the head's `forward`. For a head on windows: (b, 2w) positions of
            sentences, OUTSIDE beyond the document. For a head on documents: (m + 1,) offsets of m
            documents.
        targets: (b,) float32, 1 if a paragraph begins there and 0 otherwise.
    """

    sentences: Sentences
    index: Tensor
    targets: Tensor
