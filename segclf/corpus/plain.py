"""Plain text: the layout says where paragraphs begin, a rule says where sentences do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segclf.corpus.documents import Document
from segclf.corpus.layout import Boundary, Unit, guess_boundary, units_of
from segclf.corpus.sentences import guess_language, sentence_rule


@dataclass(frozen=True)
class ReadOptions:
    """How to read texts; the defaults guess from the text itself.

    Attributes:
        boundary: what begins a paragraph in the layout.
        sentences: name of a rule in `segclf.corpus.sentences`.
        language: ISO 639-1 code for the sentence rule; None to guess from the script.
    """

    boundary: Boundary | Literal["auto"] = "auto"
    sentences: str = "sentencex"
    language: str | None = None


@dataclass(frozen=True)
class Sentence:
    """A sentence and where it stands.

    Attributes:
        text: as the encoder sees it.
        start: offset of its first character in the text, white space in front of it with it.
        end: offset behind its last.
    """

    text: str
    start: int
    end: int


def sentences_in(text: str, unit: Unit, rule_name: str, language: str) -> Iterator[Sentence]:
    """Yield the sentences of a unit of a text."""
    rule = sentence_rule(rule_name)
    for start, end in rule.spans(text[unit.start : unit.end], language):
        start, end = unit.start + start, unit.start + end
        cleaned = rule.clean(text[start:end])
        if cleaned:
            yield Sentence(cleaned, start, end)


def read(text: str, document_id: str, options: ReadOptions) -> list[Document]:
    """Read one document; its labels come from the layout, its sentences have no trace of it."""
    boundary = guess_boundary(text) if options.boundary == "auto" else options.boundary
    language = options.language or guess_language(text)
    units, headings = units_of(text, boundary)
    sentences: list[str] = []
    labels: list[bool] = []
    for unit in units:
        for number, sentence in enumerate(sentences_in(text, unit, options.sentences, language)):
            sentences.append(sentence.text)
            labels.append(unit.begins_paragraph and number == 0)
    return [Document(document_id, sentences, np.array(labels, dtype=np.bool_), headings)]


def recognizes(text: str) -> bool:
    """Say that anything may be plain text."""
    return True
