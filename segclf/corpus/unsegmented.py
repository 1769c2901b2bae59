"""Finds the sentences, the headings and the existing paragraphs of a text to segment."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embedcache import UserError, normalize
from segclf.corpus.headings import find_headings
from segclf.corpus.joining import WordJoiner
from segclf.corpus.lines import BLANK_LINE, INDENT, Span, are_wrapped, lines_of
from segclf.corpus.quotations import (
    Spans,
    cut_at_quotations,
    cut_long_quotations,
    keep_closing_quotes,
)
from segclf.corpus.sentences import (
    SENTENCE_RULES,
    Sentence,
    SentenceRule,
    cut_after_dialogue,
)
from segclf.corpus.units import guess_boundary
from segclf.corpus.unpunctuated import cut_unpunctuated

_MIN_INDENTED, _MAX_INDENTED = 0.1, 0.6
"""Shares of indented lines between which an indent begins a paragraph of wrapped lines."""


@dataclass(frozen=True)
class UnsegmentedText:
    """The n sentences of a text to segment.

    Attributes:
        sentences: n sentences with their positions in the text.
        is_heading: (n,) bool, whether each sentence is a heading or a separator of scenes.
        begins: (n,) bool, whether each sentence begins an existing paragraph.
        is_indented: (n,) bool, whether the line or the wrapped paragraph of each sentence is
            indented; None if indents do not mark the existing paragraphs.
        note: Notice for the user about the sentences, or None.
    """

    sentences: list[Sentence]
    is_heading: NDArray[np.bool_]
    begins: NDArray[np.bool_]
    is_indented: NDArray[np.bool_] | None = None
    note: str | None = None

    def select(self, start: int, stop: int) -> "UnsegmentedText":
        """Return the sentences from `start` to `stop` - 1."""
        return replace(
            self,
            sentences=self.sentences[start:stop],
            is_heading=self.is_heading[start:stop],
            begins=self.begins[start:stop],
            is_indented=None if self.is_indented is None else self.is_indented[start:stop],
        )


class _Unit(NamedTuple):
    start: int
    end: int
    begins: bool
    is_heading: bool


def read_lines(text: str) -> UnsegmentedText:
    """Read a text with one sentence per line; blank lines are ignored.

    Raises:
        UserError: The text contains no sentences.
    """
    clean = SENTENCE_RULES["line"].clean
    sentences = [Sentence(clean(text[a:b]), a, b) for a, b in lines_of(text)]
    return UnsegmentedText(_checked(sentences), *np.zeros((2, len(sentences)), dtype=np.bool_))


def read_sentences(
    text: str, rule: SentenceRule, language: str, *, cut_dialogue: bool
) -> UnsegmentedText:
    """Split a text into headings and sentences.

    A sentence does not extend over a heading, a blank line, the indent of a paragraph or, unless
    the lines are wrapped, a line break.

    Args:
        text: Whole text.
        rule: Rule that finds the sentences.
        language: Code of the language of the text.
        cut_dialogue: Whether to split sentences after the Japanese quotations that they begin with.

    Raises:
        UserError: The text contains no sentences.
    """
    units = _units_of(text)
    join = WordJoiner.of(text, language).join
    found: Spans = (
        (unit.start + start, unit.start + end)
        for unit in units
        if not unit.is_heading
        for start, end in rule.spans(text[unit.start : unit.end], language)
    )
    # these steps are not part of the rule, because the training texts of the models were read
    # without them; in those texts, sentences also end at line breaks, where most quotations end
    if rule == SENTENCE_RULES["sentencex"]:
        found = cut_long_quotations(text, found, lambda part: rule.spans(part, language))
        found = cut_at_quotations(text, keep_closing_quotes(text, found))
    spans, note = cut_unpunctuated(text, list(found))
    if cut_dialogue:
        spans = list(cut_after_dialogue(text, spans))
    located = (Sentence(rule.clean(join(text[a:b])), a, b) for a, b in spans)
    sentences = _checked([sentence for sentence in located if sentence.text])
    headings = [Sentence(normalize(text[u.start : u.end]), *u[:2]) for u in units if u.is_heading]
    sentences = sorted(sentences + headings, key=lambda sentence: sentence.start)
    return _with_units(text, sentences, units, note)


def _with_units(
    text: str, sentences: list[Sentence], units: list[_Unit], note: str | None
) -> UnsegmentedText:
    """Determine which sentences are headings or begin an existing paragraph."""
    unit_starts = [unit.start for unit in units]
    unit_of = np.searchsorted(unit_starts, [s.start for s in sentences], side="right") - 1
    is_first = np.append(True, unit_of[1:] != unit_of[:-1])
    is_heading = np.array([unit.is_heading for unit in units])[unit_of]
    begins = np.array([unit.begins for unit in units])[unit_of]
    is_indented = np.array([bool(INDENT.match(text, start)) for start in unit_starts])[unit_of]
    return UnsegmentedText(
        sentences,
        is_heading,
        begins & is_first & ~is_heading,
        is_indented if guess_boundary(text) == "indent" else None,
        note,
    )


def _checked(sentences: list[Sentence]) -> list[Sentence]:
    if not sentences:
        raise UserError("the text contains no sentences: nothing to segment")
    return sentences


def _units_of(text: str) -> list[_Unit]:
    """Split a text into headings and lines.

    Wrapped lines are joined, except across a blank line or the indent of a paragraph.
    """
    lines = lines_of(text)
    is_heading = find_headings(text, lines)
    others = [line for line, heading in zip(lines, is_heading, strict=True) if not heading]
    wrapped = are_wrapped(text, others)
    by_indent = wrapped and _indents_mark_paragraphs(text, others)
    by_line = not wrapped and guess_boundary(text) != "blank"
    units: list[_Unit] = []
    for (start, end), heading in zip(lines, is_heading, strict=True):
        last = units[-1] if units else None
        begins = last is None or last.is_heading or heading
        begins = begins or bool(last and BLANK_LINE.search(text, last.end, start))
        begins = begins or by_line or (by_indent and bool(INDENT.match(text, start)))
        if last and wrapped and not begins:
            units[-1] = last._replace(end=end)
        else:
            units.append(_Unit(start, end, begins, heading))
    return units


def _indents_mark_paragraphs(text: str, lines: list[Span]) -> bool:
    indented = sum(bool(INDENT.match(text, start)) for start, _ in lines)
    return _MIN_INDENTED * len(lines) <= indented <= _MAX_INDENTED * len(lines)
