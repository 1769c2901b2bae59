"""Options of the readers."""

from typing import Literal

from segclf.corpus.documents import Boundary
from segclf.settings import settings


@settings
class ReadOptions:
    """How to find paragraphs and sentences in a text.

    Attributes:
        boundary: What begins a paragraph: an indented line, every line, or the line after a blank
            one; auto detects it. typed: every line begins a boundary, and an indented line begins
            a paragraph.
        sentences: How to split the text into sentences. sentencex: language-specific rules; line:
            one sentence per line; kuten: Japanese, split at 。 only, and remove 。 and spaces.
        language: Language code (ISO 639-1) for sentencex. [default: guessed from the script]
    """

    boundary: Literal["auto", Boundary] = "auto"
    sentences: str = "sentencex"
    language: str | None = None
