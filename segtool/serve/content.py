"""Segmented texts as the API of `segtool serve` sends and receives them."""

from collections.abc import Iterator

import numpy as np

from embedcache import UserError
from segclf.corpus.joining import unwrap
from segclf.corpus.sentences import Sentence
from segclf.tasks.read_text import DIALOGUE_BRACKETS, ReadText
from segclf.tasks.segmentation import Segmentation
from segtool.serve import schemas


def header(read: ReadText) -> schemas.Header:
    """Return the header of a response, which says how a text was read."""
    return schemas.Header(
        model=read.model.model.name,
        language=read.model.language,
        threshold=read.threshold,
        typed=read.model.is_typed,
        count=len(read.found.sentences),
        notes=list(read.notes),
    )


def sentences_of(part: Segmentation) -> Iterator[schemas.Sentence]:
    """Yield the sentences of a text, or of a part of it."""
    fixed = np.zeros_like(part.boundaries) if part.is_fixed is None else part.is_fixed
    for i, sentence in enumerate(part.sentences):
        yield schemas.Sentence(
            text=sentence.text,
            start=sentence.start,
            end=sentence.end,
            before=_whitespace(part.text, sentence),
            probability=float(part.probabilities[i]),
            boundary=bool(part.boundaries[i]),
            kind=_kind(part, i),
            fixed=bool(fixed[i]),
        )


def _kind(part: Segmentation, i: int) -> schemas.Kind:
    """Return what begins at sentence i if it is a boundary.

    If the model does not distinguish lines from paragraphs, a Japanese sentence that begins with a
    bracket of dialogue begins a line, as in print, where such lines are not indented.
    """
    if part.is_heading[i]:
        return "heading"
    if part.is_paragraph is not None:
        return "paragraph" if part.is_paragraph[i] else "line"
    is_quotation = part.sentences[i].text.startswith(DIALOGUE_BRACKETS)
    return "line" if part.language == "ja" and is_quotation else "paragraph"


def _whitespace(text: str, sentence: Sentence) -> str:
    """Return the whitespace before a sentence when the lines of its paragraph are joined."""
    first = sentence.start
    while first < sentence.end and text[first].isspace():
        first += 1
    last = sentence.start
    while last > 0 and text[last - 1].isspace():
        last -= 1
    return unwrap(text[max(last - 1, 0) : first + 1])[1:-1] if last else ""


def to_segmentation(body: schemas.WriteBody) -> Segmentation:
    """Return the segmentation that a client sent back, with its corrections.

    Raises:
        UserError: A sentence is empty or outside the text, or the sentences overlap or are not in
            the order of the text.
    """
    ends = [0, *(sentence.end for sentence in body.sentences[:-1])]
    for sentence, end in zip(body.sentences, ends, strict=True):
        if not end <= sentence.start < sentence.end <= len(body.text):
            raise UserError(
                f"the sentence at {sentence.start} is empty, overlaps another or is outside the "
                "text: send the sentences in the order of the text"
            )
    # the first sentence is always a boundary
    boundaries = np.array([True, *(sentence.boundary for sentence in body.sentences[1:])])
    kinds = np.array([sentence.kind for sentence in body.sentences])
    return Segmentation(
        text=body.text,
        sentences=[Sentence(s.text, s.start, s.end) for s in body.sentences],
        probabilities=np.array([s.probability for s in body.sentences], dtype=np.float32),
        boundaries=boundaries,
        is_heading=kinds == "heading",
        is_paragraph=kinds != "line",
        layout=body.layout,
        language=body.language,
        model=body.model,
        threshold=body.threshold,
    )
