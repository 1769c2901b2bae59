"""Options of `segment`; this module does not import torch."""

from dataclasses import dataclass
from typing import Literal

from embedcache import UserError
from segclf.corpus.languages import check_language

ExistingLayout = Literal["ignore", "keep"]


@dataclass(frozen=True)
class SegmentOptions:
    """Options for reading a text and choosing its paragraphs; see `segclf.tasks.segment.segment`.

    Raises:
        UserError: The language is unknown, or the options are invalid or cannot be combined.
    """

    language: str | None = None
    layout: ExistingLayout | None = None
    lines_are_sentences: bool = False
    threshold: float | None = None
    paragraphs: int | None = None
    min_length: int = 1
    max_length: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether the length of a paragraph is limited."""
        return self.min_length > 1 or self.max_length is not None

    def __post_init__(self) -> None:
        check_language(self.language)
        if self.lines_are_sentences and self.layout == "keep":
            raise UserError(
                "--sentences cannot be combined with --layout keep: use only one of them"
            )
        if self.paragraphs is not None and (self.threshold is not None or self.is_limited):
            other = "a threshold" if self.threshold is not None else "a length limit"
            raise UserError(
                f"a number of paragraphs cannot be combined with {other}: use only one of them"
            )
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UserError(f"threshold is {self.threshold:g}: use a probability from 0 to 1")
        if self.min_length < 1:
            raise UserError(f"min length is {self.min_length}: use 1 or more")
        if self.max_length is not None and self.max_length < self.min_length:
            raise UserError(f"max length is {self.max_length}: use {self.min_length} or more")
