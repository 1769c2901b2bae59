"""A text that is divided into sentences, and the choice of its paragraphs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError
from segclf.corpus.layout import Layout, Values
from segclf.corpus.unsegmented import UnsegmentedText
from segclf.scoring.decoding import decode_within, most_probable
from segclf.tasks.segment_options import SegmentOptions
from segclf.tasks.segmentation import Segmentation
from segclf.tasks.text_model import Predicted, TextModel

DIALOGUE_BRACKETS = ("「", "『", "（")
"""Brackets with which a line of dialogue begins in Japanese."""
LAYOUT_IGNORED = (
    "the existing paragraphs of the text are ignored: use --layout keep to keep them, or --layout "
    "ignore to omit this notice"
)
"""Note about a text that has paragraphs, if the caller has not set the option `layout`."""


@dataclass(frozen=True)
class ReadText:
    """A text that is divided into n sentences, but not yet into paragraphs.

    Attributes:
        text: The unchanged text.
        found: Sentences and headings of the text.
        starts: (n,) bool, the fixed boundaries, which do not depend on a model. The values of
            headings, which are always boundaries, are not used.
        model: Model that finds the paragraphs.
        options: Options for reading the text and choosing the paragraphs.
    """

    text: str
    found: UnsegmentedText
    starts: NDArray[np.bool_]
    model: TextModel
    options: SegmentOptions

    @classmethod
    def of(
        cls, text: str, found: UnsegmentedText, model: TextModel, options: SegmentOptions
    ) -> "ReadText":
        """Find the fixed boundaries of a text; see the attributes for the arguments."""
        starts = np.append(True, found.is_heading[:-1])
        if options.layout == "keep":
            starts |= found.begins
        return cls(text, found, starts, model, options)

    @property
    def body(self) -> list[str]:
        """The sentences that are not headings, as the model reads them."""
        positions = np.flatnonzero(~self.found.is_heading)
        return self.model.as_read([self.found.sentences[i].text for i in positions])

    @property
    def threshold(self) -> float | None:
        """Threshold for the probabilities; None if the number of paragraphs is given instead."""
        if self.options.paragraphs is not None:
            return None
        return self.model.threshold if self.options.threshold is None else self.options.threshold

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user about how the text was read."""
        found = self.found
        notes = (found.note,) if found.note else ()
        has_paragraphs = (found.begins[1:] & ~found.is_heading[:-1]).any()
        is_undecided = self.options.layout is None
        return (*notes, LAYOUT_IGNORED) if is_undecided and has_paragraphs else notes

    def segment(self) -> Segmentation:
        """Find the paragraphs of the whole text at once.

        Raises:
            UserError: The number of paragraphs in the options is larger than the number of
                sentences, or smaller than the number of fixed boundaries.
        """
        return self._decide(self.model.predict_documents([self.body]))

    def parts(self, size: int) -> Iterator[Segmentation]:
        """Find the paragraphs in parts, so that the first ones are known before the last ones.

        Args:
            size: Number of sentences in a part, without headings. A model that reads whole texts
                has one part.

        Yields:
            The segmentation of each part, in the order of the text. Its arrays and sentences are
            those of the part, but its `text` is the whole text, so it cannot be written as text.

        Raises:
            UserError: The options limit the length or the number of the paragraphs, which depends
                on the whole text.
        """
        options, n = self.options, len(self.found.sentences)
        if options.paragraphs is not None or options.is_limited:
            raise UserError(
                "a text cannot be segmented in parts with a paragraph count or a length limit: "
                "segment the whole text"
            )
        positions = np.flatnonzero(~self.found.is_heading).tolist()
        first = read = 0
        for predicted in self.model.predict_parts(self.body, size):
            read += len(predicted.probabilities)
            stop = positions[read] if read < len(positions) else n
            found = self.found.select(first, stop)
            yield replace(self, found=found, starts=self.starts[first:stop])._decide(predicted)
            first = stop

    def _decide(self, predicted: Predicted) -> Segmentation:
        """Choose the paragraphs, given the predictions for the sentences of `body`."""
        found, starts, options = self.found, self.starts, self.options
        in_body = ~found.is_heading
        boundaries = _boundaries(predicted.probabilities, starts[in_body], self.threshold, options)
        is_paragraph = predicted.is_paragraph
        if is_paragraph is not None:
            is_paragraph = _with_fixed_types(_spread(is_paragraph, in_body), found, starts, options)
        return Segmentation(
            text=self.text,
            sentences=found.sentences,
            probabilities=_spread(predicted.probabilities, in_body),
            boundaries=_spread(boundaries, in_body),
            is_heading=found.is_heading,
            is_paragraph=is_paragraph,
            is_fixed=starts | found.is_heading,
            layout=options.layout or "ignore",
            language=self.model.language,
            model=self.model.model.name,
            threshold=self.threshold,
            notes=self.notes,
        )


def _boundaries(
    probabilities: NDArray[np.float32],
    starts: NDArray[np.bool_],
    threshold: float | None,
    options: SegmentOptions,
) -> NDArray[np.bool_]:
    """Choose the boundaries, (b,) bool, given the probabilities and the fixed boundaries (b,).

    Raises:
        UserError: The number of paragraphs in the options is out of range.
    """
    if threshold is not None and not options.is_limited:
        return starts | (probabilities >= threshold)
    # the sentences between two fixed boundaries are decoded like a document
    layout = Layout.unlabelled(np.append(np.flatnonzero(starts), len(starts)))
    if threshold is not None:
        return decode_within(
            layout,
            probabilities,
            threshold,
            min_length=options.min_length,
            max_length=options.max_length,
        )
    assert options.paragraphs is not None  # noqa: S101 - otherwise, there is a threshold
    fewest = len(layout.documents)
    if not fewest <= options.paragraphs <= len(starts):
        reason = " (required by headings and kept paragraphs)" if fewest > 1 else ""
        raise UserError(
            f"paragraphs is {options.paragraphs}, but must be from {fewest}{reason} to "
            f"{len(starts)} (the number of sentences)"
        )
    return most_probable(layout, probabilities, options.paragraphs)


def _with_fixed_types(
    is_paragraph: NDArray[np.bool_],
    found: UnsegmentedText,
    starts: NDArray[np.bool_],
    options: SegmentOptions,
) -> NDArray[np.bool_]:
    """Set the types of the fixed boundaries, which do not depend on a model.

    If the layout is kept and indents mark the paragraphs of the text, an existing line begins a
    paragraph if it is indented. Any other fixed boundary begins a paragraph unless its sentence
    begins with a dialogue bracket.

    Args:
        is_paragraph: (n,) bool, whether each boundary begins a paragraph according to the model.
        found: Sentences and headings of the text.
        starts: (n,) bool, the fixed boundaries.
        options: Options for reading the text.

    Returns:
        (n,) bool, whether each boundary begins a paragraph.
    """
    is_quotation = np.array(
        [sentence.text.startswith(DIALOGUE_BRACKETS) for sentence in found.sentences]
    )
    fixed = ~is_quotation | found.is_heading
    if options.layout == "keep" and found.is_indented is not None:
        fixed = np.where(found.begins, found.is_indented, fixed)
    return np.where(starts, fixed, is_paragraph)


def _spread(values: NDArray[Values], in_body: NDArray[np.bool_]) -> NDArray[Values]:
    """Extend values (b,) of the sentences to values (n,) of the sentences and headings.

    The value of a heading is True or 1.
    """
    spread = np.ones(len(in_body), dtype=values.dtype)
    spread[in_body] = values
    return spread
