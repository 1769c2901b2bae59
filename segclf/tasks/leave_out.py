"""Explains a boundary by its probability when each sentence around it is left out in turn."""

from collections.abc import Sequence
from dataclasses import dataclass

from segclf.corpus import BoundaryType
from segclf.heads.names import WINDOW
from segclf.tasks.text_model import TextModel

CONTEXT = 60
"""Number of sentences on each side that a model of whole texts reads for an explanation."""


@dataclass(frozen=True)
class LeftOut:
    """A prediction without one sentence of the text.

    Attributes:
        sentence: Position of the sentence that was left out.
        probability: Probability that a paragraph begins at the same place without the sentence.
    """

    sentence: int
    probability: float


@dataclass(frozen=True)
class Explanation:
    """Explanation of the probability of a boundary.

    Attributes:
        head: Head whose probability is explained: "paragraph" if only this head finds a boundary.
        probability: Probability that the head predicts for the boundary.
        threshold: Threshold of the head.
        left_out: Predictions without one sentence each, in the order of the text.
    """

    head: BoundaryType
    probability: float
    threshold: float
    left_out: tuple[LeftOut, ...]


def leave_out(model: TextModel, sentences: Sequence[str], position: int) -> Explanation:
    """Predict a boundary again, each time without one of the sentences around it.

    The sentences are those that a head reads, or `WINDOW` on each side for a model that reads whole
    texts. If the sentence before or after the boundary is left out, the boundary lies between the
    sentences that are then adjacent.

    Args:
        model: Loaded model.
        sentences: n sentences of the text, or of the part around the boundary, without headings.
        position: Position of the sentence before which the boundary is, from 1 to n - 1.
    """
    radius = WINDOW if model.reach is None else model.reach
    context = CONTEXT if model.reach is None else radius + 1
    first = max(position - context, 0)
    nearby = model.as_read(list(sentences[first : position + context + 1]))
    at = position - first
    left_out = [
        i
        for i in range(max(at - radius, 0), min(at + radius, len(nearby)))
        # a sentence must remain on both sides of the boundary
        if not (i == at - 1 == 0) and not (i == at == len(nearby) - 1)
    ]
    texts = [nearby, *([*nearby[:i], *nearby[i + 1 :]] for i in left_out)]
    by_type, thresholds = model.predict_types(texts), model.thresholds
    head: BoundaryType = "any"
    if model.is_typed and by_type["any"][at] < thresholds["any"]:
        head = "paragraph" if by_type["paragraph"][at] >= thresholds["paragraph"] else "any"
    start, probabilities = 0, []
    for text, i in zip(texts, [at, *left_out], strict=True):
        probabilities.append(float(by_type[head][start + at - (i < at)]))
        start += len(text)
    pairs = zip(left_out, probabilities[1:], strict=True)
    return Explanation(
        head,
        probabilities[0],
        thresholds[head],
        tuple(LeftOut(first + i, probability) for i, probability in pairs),
    )
