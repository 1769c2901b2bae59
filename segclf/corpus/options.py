"""Options of the readers."""

from dataclasses import dataclass
from typing import Literal

from segclf.corpus.documents import Boundary


@dataclass(frozen=True)
class ReadOptions:
    """How to find paragraphs and sentences in a text.

    Attributes:
        boundary: What begins a paragraph: an indented line, every line, or a line after a blank
            one. "auto" detects it for each text.
        sentences: Name of a rule in `segclf.corpus.sentences.SENTENCE_RULES`.
        language: ISO 639-1 code for the sentence rule; None to detect it from the script of each
            text.
    """

    boundary: Boundary | Literal["auto"] = "auto"
    sentences: str = "sentencex"
    language: str | None = None
