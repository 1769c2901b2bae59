"""Corpora: reading texts in several formats, and splitting them into documents and sentences."""

from segclf.corpus.documents import SPLITS, BoundaryType, Corpus, Document, Split
from segclf.corpus.options import ReadOptions
from segclf.corpus.read import FORMATS, read_corpus, read_unsegmented
from segclf.corpus.sentences import SENTENCE_RULES

__all__ = [
    "FORMATS",
    "SENTENCE_RULES",
    "SPLITS",
    "BoundaryType",
    "Corpus",
    "Document",
    "ReadOptions",
    "Split",
    "read_corpus",
    "read_unsegmented",
]
