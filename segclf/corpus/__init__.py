"""Corpora: reading texts in several formats, and splitting them into documents and sentences."""

from segclf.corpus.documents import SPLITS, BoundaryType, Corpus, Document, Split
from segclf.corpus.options import FormatName, ReadOptions
from segclf.corpus.read import FORMATS, read_corpus, read_unsegmented
from segclf.corpus.sentences import SENTENCE_RULES

__all__ = [
    "FORMATS",
    "SENTENCE_RULES",
    "SPLITS",
    "BoundaryType",
    "Corpus",
    "Document",
    "FormatName",
    "ReadOptions",
    "Split",
    "read_corpus",
    "read_unsegmented",
]
