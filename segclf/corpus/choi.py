"""Reader for the format of Choi (2000): one sentence per line, segments between lines of `=`."""

import numpy as np

from embedcache import normalize
from segclf.corpus.documents import Document
from segclf.corpus.options import ReadOptions

_SEPARATOR = "=========="


def recognizes(text: str) -> bool:
    """Return whether a text begins with a separator."""
    return text.lstrip().split("\n", 1)[0].strip() == _SEPARATOR


def read(text: str, document_id: str, options: ReadOptions) -> list[Document]:
    """Read one document. Each segment is a paragraph; the options are not used."""
    sentences: list[str] = []
    labels: list[bool] = []
    after_separator = False
    for line in text.splitlines():
        if line.strip() == _SEPARATOR:
            after_separator = True
        elif sentence := normalize(line):
            sentences.append(sentence)
            labels.append(after_separator)
            after_separator = False
    return [Document(document_id, sentences, np.array(labels, dtype=np.bool_))]
