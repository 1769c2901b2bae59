"""Plain text: the layout says where paragraphs begin, a rule says where sentences do."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from segclf.corpus.documents import Boundary, Document
from segclf.corpus.sentences import SentenceRule, guess_language, sentence_rule
from segclf.corpus.units import Unit, guess_boundary, units_of
from segclf.settings import settings


@settings
class ReadOptions:
    """Options of reading texts.

    Attributes:
        boundary: What begins a paragraph: an indented line, every line, or the line after a blank
            one; auto detects it.
        sentences: Sentence rule. sentencex: any language. line: one sentence per line. kuten:
            Japanese, split at 。 only, without it and without spaces.
        language: Language code (ISO 639-1) for sentencex. [default: guessed from the script]
    """

    boundary: Literal["auto", Boundary] = "auto"
    sentences: str = "sentencex"
    language: str | None = None


class Sentence(NamedTuple):
    """A sentence and where it stands.

    Attributes:
        text: as the encoder sees it.
        start: offset of its first character in the text, white space in front of it with it.
        end: offset behind its last.
    """

    text: str
    start: int
    end: int


def sentences_in(text: str, unit: Unit, rule: SentenceRule, language: str) -> Iterator[Sentence]:
    """Yield the sentences of a unit of a text."""
    content = text[unit.start : unit.end]
    for start, end in rule.spans(content, language):
        if cleaned := rule.clean(content[start:end]):
            yield Sentence(cleaned, unit.start + start, unit.start + end)


def clean_sentences(content: str, rule: SentenceRule, language: str) -> list[str]:
    """Return the sentences of a unit's content, as the encoder sees them."""
    clean = rule.clean
    spans = rule.spans(content, language)
    return [sentence for start, end in spans if (sentence := clean(content[start:end]))]


def read(text: str, document_id: str, options: ReadOptions) -> list[Document]:
    """Read one document; its labels come from the layout, its sentences have no trace of it."""
    boundary = guess_boundary(text) if options.boundary == "auto" else options.boundary
    language = options.language or guess_language(text)
    rule = sentence_rule(options.sentences)
    units, headings = units_of(text, boundary)
    sentences: list[str] = []
    labels: list[bool] = []
    for unit in units:
        found = clean_sentences(text[unit.start : unit.end], rule, language)
        sentences += found
        labels += [unit.begins_paragraph, *[False] * (len(found) - 1)] if found else []
    marks = np.array(labels, dtype=np.bool_)
    return [Document(document_id, sentences, marks, headings, boundary=boundary)]


def recognizes(text: str) -> bool:
    """Say that anything may be plain text."""
    return True
