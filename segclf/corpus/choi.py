"""Reader for the format of Choi (2000): a sentence per line, segments between lines of ten `=`."""

import re

import numpy as np

from embedcache import normalize
from segclf.corpus.documents import Document
from segclf.corpus.lines import lines_of
from segclf.corpus.options import ReadOptions

_SEPARATOR = "=========="
_FIRST_LINE = re.compile(rf"\s*{_SEPARATOR}\s*?(?:[\r\n]|\Z)")


def recognizes(text: str) -> bool:
    """Return whether the first line that is not blank is a separator."""
    return _FIRST_LINE.match(text) is not None


def read(text: str, document_id: str, options: ReadOptions) -> list[Document]:
    """Read one document. Each segment is a paragraph; the options are not used."""
    sentences: list[str] = []
    labels: list[bool] = []
    after_separator = False
    for start, end in lines_of(text):
        if text[start:end].strip() == _SEPARATOR:
            after_separator = True
        elif sentence := normalize(text[start:end]):
            sentences.append(sentence)
            labels.append(after_separator)
            after_separator = False
    return [Document(document_id, sentences, np.array(labels, dtype=np.bool_))]
