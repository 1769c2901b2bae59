"""Explains a boundary by its probability when each sentence around it is left out in turn.

The method is leave-one-out (Li, Monroe and Jurafsky 2016, "Understanding Neural Networks through
Representation Erasure"), applied to sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from segclf.corpus import BoundaryType
from segclf.heads.names import WINDOW
from segclf.tasks.text_model import TextModel

CONTEXT = 60
"""Number of sentences on each side that are passed to a model that reads whole texts."""


@dataclass(frozen=True)
class LeftOut:
    """A prediction without one sentence of the text.

    Attributes:
        sentence: Position of the sentence that was left out.
        probability: Probability of the boundary without the sentence.
    """

    sentence: int
    probability: float


@dataclass(frozen=True)
class Explanation:
    """Explanation of the probability of a boundary.

    Attributes:
        head: Type of the head whose probability is explained: "paragraph" if only the head for
            paragraphs predicts a boundary; otherwise "any".
        probability: Probability of the boundary that this head predicts.
        threshold: Threshold of this head.
        left_out: Predictions without one sentence each, in the order of the text.
    """

    head: BoundaryType
    probability: float
    threshold: float
    left_out: tuple[LeftOut, ...]


def leave_out(model: TextModel, sentences: Sequence[str], position: int) -> Explanation:
    """Predict a boundary with all sentences around it, and without each of them (leave-one-out).

    The sentences are those that the model reads to predict the boundary or, if it reads whole
    texts, the nearest `WINDOW` sentences on each side. If the sentence before or after the boundary
    is left out, the boundary lies between the sentences that are then adjacent. The only sentence
    on a side of the boundary is not left out.

    Args:
        model: Loaded model.
        sentences: n sentences of the text, or of the part around the boundary, without headings.
        position: Position of the sentence after the boundary, from 1 to n - 1.
    """
    radius = WINDOW if model.reach is None else model.reach
    context = CONTEXT if model.reach is None else radius + 1
    first = max(position - context, 0)
    nearby = model.as_read(list(sentences[first : position + context]))
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
