"""Reader for plain text: the layout shows the paragraphs, and a rule finds the sentences."""

import numpy as np

from segclf.corpus.documents import Document, unit_labels
from segclf.corpus.languages import guess_language
from segclf.corpus.options import ReadOptions
from segclf.corpus.sentences import sentence_rule, split_sentences
from segclf.corpus.units import guess_boundary, split_units


def recognizes(text: str) -> bool:
    """Return True: any text can be plain text."""
    return True


def read(text: str, document_id: str, options: ReadOptions) -> list[Document]:
    """Read one document, whose labels come from the layout.

    Line breaks and indents are removed from the sentences, so that they do not reveal the labels.
    """
    boundary = guess_boundary(text) if options.boundary == "auto" else options.boundary
    language = options.language or guess_language(text)
    rule = sentence_rule(options.sentences)
    units, headings = split_units(text, boundary)
    sentences: list[str] = []
    labels: list[int] = []
    for unit in units:
        found = split_sentences(text[unit.start : unit.end], rule, language)
        sentences += found
        labels += unit_labels(unit.label, len(found))
    label_array = np.array(labels, dtype=np.int8)
    return [
        Document(
            document_id,
            sentences,
            label_array,
            headings,
            boundary=boundary,
            is_typed=boundary == "typed",
        )
    ]
