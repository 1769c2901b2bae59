"""A segmented text, and the formats in which it is written."""

import re
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segclf.corpus.sentences import Sentence, unwrap
from segclf.corpus.units import NEWLINE

_NEWLINE = re.compile(NEWLINE)
_INDENT = "\u3000"


@dataclass(frozen=True)
class Segmentation:
    """A text and its paragraphs.

    Attributes:
        text: The unchanged text.
        sentences: n sentences with their positions in the text.
        probabilities: (n,) float32 probability that each sentence begins a paragraph or, with a
            model of typed boundaries, a paragraph or a line of dialogue.
        boundaries: (n,) bool, whether each sentence begins a paragraph or a line. The first
            sentence is always a boundary.
        is_paragraph: (n,) bool, whether each sentence of `boundaries` begins a paragraph rather
            than a line; None if the model does not distinguish paragraphs from lines.
        language: Code of the language of the text, on which the layout of `to_page` depends.
        model: Name of the run or ready model that made the predictions.
        threshold: Minimum probability of a boundary; None if the number of paragraphs was given.
    """

    text: str
    sentences: list[Sentence]
    probabilities: NDArray[np.float32]
    boundaries: NDArray[np.bool_]
    is_paragraph: NDArray[np.bool_] | None = None
    language: str = "en"
    model: str = ""
    threshold: float | None = None

    def paragraphs(self) -> list[str]:
        """Return the paragraphs. Their concatenation is the unchanged text."""
        begins = [self.sentences[i].start for i in np.flatnonzero(self.boundaries)]
        edges = [0, *begins[1:], len(self.text)]
        return [self.text[start:end] for start, end in pairwise(edges)]

    def to_text(self) -> str:
        """Return the text with an empty line between paragraphs.

        Existing line breaks are kept; where there are fewer than two, the missing ones are
        inserted. Inserted line breaks have the same form (CRLF, LF or CR) as the first line break
        in the text, or LF if there is none. Within a line, they replace the white space between
        the sentences.
        """
        newline = self._newline()
        *before, last = self.paragraphs()
        return "".join(_with_empty_line(paragraph, newline) for paragraph in before) + last

    def to_page(self) -> str:
        """Return the text as it is printed in a book, without its own line breaks and indents.

        In Japanese, paragraphs and lines of dialogue begin on a new line, and paragraphs are
        indented by an ideographic space. In other languages, there is an empty line between
        paragraphs.
        """
        newline = self._newline()
        if self.language != "ja":
            return (2 * newline).join(text for text, _ in self._blocks()) + newline
        return "".join(
            (_INDENT if is_paragraph else "") + text + newline
            for text, is_paragraph in self._blocks()
        )

    def to_html(self) -> str:
        """Return the paragraphs as HTML: `<p>`, and `<p class="line">` for lines of dialogue."""
        newline = self._newline()
        return "".join(
            ("<p>" if is_paragraph else '<p class="line">') + escape(text) + "</p>" + newline
            for text, is_paragraph in self._blocks()
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the output of `segtool segment --format json`."""
        return {
            "model": self.model,
            "threshold": self.threshold,
            "language": self.language,
            "text": self.text,
            "sentences": [
                {
                    "text": sentence.text,
                    "start": sentence.start,
                    "end": sentence.end,
                    "probability": round(float(self.probabilities[i]), 6),
                    "boundary": bool(self.boundaries[i]),
                }
                | ({} if self.is_paragraph is None else {"type": self._type(i)})
                for i, sentence in enumerate(self.sentences)
            ],
        }

    def _type(self, i: int) -> str | None:
        if self.is_paragraph is None or not self.boundaries[i]:
            return None
        return "paragraph" if self.is_paragraph[i] else "line"

    def _blocks(self) -> list[tuple[str, bool]]:
        """List the stripped text of each paragraph or line, and whether it is a paragraph."""
        texts = [unwrap(paragraph).strip() for paragraph in self.paragraphs()]
        if self.is_paragraph is None:
            return [(text, True) for text in texts]
        return list(zip(texts, self.is_paragraph[self.boundaries].tolist(), strict=True))

    def _newline(self) -> str:
        found = _NEWLINE.search(self.text)
        return found.group() if found else "\n"


def _with_empty_line(paragraph: str, newline: str) -> str:
    """End a paragraph with an empty line; an indent after the last line break is kept."""
    text = paragraph.rstrip()
    breaks = list(_NEWLINE.finditer(paragraph, len(text)))
    if not breaks:
        return text + 2 * newline
    end = breaks[-1].end()
    return paragraph[:end] + (2 - len(breaks)) * newline + paragraph[end:]
