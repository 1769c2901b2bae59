"""Choi's (2000) segmentation sets: a sentence a line, segments between lines of ten `=`."""

import numpy as np

from embedcache import normalize
from segclf.corpus.documents import Document
from segclf.corpus.plain import ReadOptions

_SEPARATOR = "=========="


def recognizes(text: str) -> bool:
    """Say whether a text begins with a separator."""
    return text.lstrip().split("\n", 1)[0].strip() == _SEPARATOR


def read(text: str, document_id: str, options: ReadOptions) -> list[Document]:
    """Read one document; a boundary is where a segment begins."""
    sentences: list[str] = []
    labels: list[bool] = []
    begins = True
    for line in text.splitlines():
        if line.strip() == _SEPARATOR:
            begins = True
        elif sentence := normalize(line):
            sentences.append(sentence)
            labels.append(begins)
            begins = False
    return [Document(document_id, sentences, np.array(labels, dtype=np.bool_))]
