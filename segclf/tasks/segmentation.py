"""A segmented text, and the formats in which it is written."""

import re
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segclf.corpus.headings import is_separator
from segclf.corpus.joining import WordJoiner, unwrap
from segclf.corpus.lines import NEWLINE
from segclf.corpus.sentences import Sentence
from segclf.tasks.segment_options import ExistingLayout

_NEWLINE = re.compile(NEWLINE)
_SPACES = re.compile(r"\s+")
_INDENT = "\u3000"
_MARKS = re.compile(r"\A#+\s+")  # number signs of a Markdown heading

Kind = Literal["paragraph", "line", "heading"]


@dataclass(frozen=True)
class Segmentation:
    """A text and its paragraphs.

    Attributes:
        text: The unchanged text.
        sentences: n sentences and headings with their positions in the text.
        probabilities: (n,) float32 probability that each sentence begins a paragraph or, with a
            model of typed boundaries, a paragraph or a line of dialogue; 1 for a heading and for
            the first sentence that is not a heading.
        boundaries: (n,) bool, whether each sentence begins a paragraph, a line or a heading. The
            first sentence is always a boundary, and so are headings and the sentences after them.
        is_heading: (n,) bool, whether each sentence is a heading or a line of symbols.
        is_paragraph: (n,) bool, whether each sentence of `boundaries` begins a paragraph rather
            than a line; None if the model does not distinguish paragraphs from lines.
        is_fixed: (n,) bool, whether each sentence is a boundary at every threshold, such as the
            first sentence; None if this is unknown.
        layout: Whether the existing paragraphs of the text were ignored or kept.
        language: Code of the language of the text, on which the layout of `to_page` depends.
        model: Name of the run or ready model that made the predictions.
        threshold: Minimum probability of a boundary; None if the number of paragraphs was given.
        notes: Notes for the user about how the text was read.
        warnings: Reasons why the paragraphs may be wrong.
    """

    text: str
    sentences: list[Sentence]
    probabilities: NDArray[np.float32]
    boundaries: NDArray[np.bool_]
    is_heading: NDArray[np.bool_]
    is_paragraph: NDArray[np.bool_] | None = None
    is_fixed: NDArray[np.bool_] | None = None
    layout: ExistingLayout = "ignore"
    language: str = "en"
    model: str = ""
    threshold: float | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def paragraphs(self) -> list[str]:
        """Return the paragraphs and headings. Their concatenation is the unchanged text."""
        begins = [self.sentences[i].start for i in np.flatnonzero(self.boundaries)]
        edges = [0, *begins[1:], len(self.text)]
        return [self.text[start:end] for start, end in pairwise(edges)]

    def to_text(self) -> str:
        """Return the text with its original lines, and with an empty line between paragraphs.

        If the existing paragraphs were ignored, their empty lines and indents are removed, so that
        every empty line marks a predicted boundary; a line break between two sentences of a
        paragraph is kept. If the existing paragraphs were kept, their layout is kept too: missing
        line breaks are inserted, and nothing else changes. Within a line, inserted line breaks
        replace the whitespace between the sentences. They have the same form (CRLF, LF or CR) as
        the first line break in the text, or LF if the text has none.
        """
        newline = self._newline()
        if self.layout == "keep":
            *before, last = _with_spaces_at_ends(self.paragraphs())
            return "".join(_with_empty_line(paragraph, newline) for paragraph in before) + last
        end = newline if _NEWLINE.search(self.text, len(self.text.rstrip())) else ""
        lines = (_plain_lines(paragraph, newline) for paragraph in self.paragraphs())
        return (2 * newline).join(lines) + end

    def to_page(self) -> str:
        """Return the text in the layout of a book, without the original line breaks and indents.

        In Japanese, paragraphs and lines of dialogue begin on a new line, and paragraphs are
        indented by an ideographic space. In other languages, there is an empty line between
        paragraphs.
        """
        newline = self._newline()
        if self.language != "ja":
            return (2 * newline).join(text for text, _ in self._blocks()) + newline
        lines: list[str] = []
        for text, kind in self._blocks():
            if kind == "heading":
                lines += ["", text, ""] if lines and lines[-1] else [text, ""]
            else:
                lines.append((_INDENT if kind == "paragraph" else "") + text)
        return newline.join(lines).rstrip("\r\n") + newline

    def to_html(self) -> str:
        """Return the text as HTML.

        The elements are `<p>` for a paragraph, `<p class="line">` for a line of dialogue, `<h2>`
        for a heading and `<hr>` for a line of symbols between scenes.
        """
        newline = self._newline()
        return "".join(_to_element(text, kind) + newline for text, kind in self._blocks())

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
                | self._type(i)
                for i, sentence in enumerate(self.sentences)
            ],
        }

    def _type(self, i: int) -> dict[str, Kind | None]:
        if self.is_heading[i]:
            return {"type": "heading"}
        if self.is_paragraph is None:
            return {}
        kind: Kind = "paragraph" if self.is_paragraph[i] else "line"
        return {"type": kind if self.boundaries[i] else None}

    def _blocks(self) -> list[tuple[str, Kind]]:
        """List the text, joined into one line, and the kind of each paragraph, line or heading."""
        join = WordJoiner.of(self.text, self.language).join
        texts = [unwrap(join(paragraph)).strip() for paragraph in self.paragraphs()]
        first = np.flatnonzero(self.boundaries).tolist()
        kinds = [self._type(i).get("type") or "paragraph" for i in first]
        return list(zip(texts, kinds, strict=True))

    def _newline(self) -> str:
        found = _NEWLINE.search(self.text)
        return found.group() if found else "\n"


def _with_spaces_at_ends(paragraphs: list[str]) -> list[str]:
    """Move the whitespace at the beginning of each paragraph to the end of the previous one.

    If this whitespace contains a line break, the indent after its last line break is not moved.
    """
    moved = paragraphs[:1]
    for paragraph in paragraphs[1:]:
        spaces = paragraph[: len(paragraph) - len(paragraph.lstrip())]
        breaks = list(_NEWLINE.finditer(spaces))
        end = breaks[-1].end() if breaks else len(spaces)
        moved[-1] += paragraph[:end]
        moved.append(paragraph[end:])
    return moved


def _with_empty_line(paragraph: str, newline: str) -> str:
    """End a paragraph with an empty line; an indent after the last line break is kept."""
    text = paragraph.rstrip()
    breaks = list(_NEWLINE.finditer(paragraph, len(text)))
    if not breaks:
        return text + 2 * newline
    end = breaks[-1].end()
    return paragraph[:end] + (2 - len(breaks)) * newline + paragraph[end:]


def _plain_lines(paragraph: str, newline: str) -> str:
    """Remove empty lines, indents and spaces at the ends of lines from a paragraph."""

    def one_break(spaces: re.Match[str]) -> str:
        return newline if _NEWLINE.search(spaces.group()) else spaces.group()

    return _SPACES.sub(one_break, paragraph.strip())


def _to_element(text: str, kind: Kind) -> str:
    if kind == "heading":
        return "<hr>" if is_separator(text) else f"<h2>{escape(_MARKS.sub('', text))}</h2>"
    return ("<p>" if kind == "paragraph" else '<p class="line">') + escape(text) + "</p>"
