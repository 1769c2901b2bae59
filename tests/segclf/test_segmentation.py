"""What segmented text looks like."""

import numpy as np
import pytest

from segclf.corpus.plain import Sentence
from segclf.segmentation import Segmentation


@pytest.mark.parametrize(
    ("text", "second", "expected"),
    [
        ("一。二。", "二。", "一。\n\n二。"),
        ("A. B.", "B.", "A. \n\nB."),
        ("The cat sat.\nThe dog ran.", "The dog", "The cat sat.\n\nThe dog ran."),
        ("一。\n　二。", "二。", "一。\n\n　二。"),
        ("一。\n\n二。", "二。", "一。\n\n二。"),
        ("一。\n\n\n　二。", "二。", "一。\n\n\n　二。"),
    ],
)
def test_an_empty_line_stands_before_each_paragraph(text, second, expected):
    start = text.index(second)
    sentences = [Sentence(text[:start].strip(), 0, start), Sentence(second, start, len(text))]
    both = np.ones(2, dtype=bool)
    assert Segmentation(text, sentences, both.astype(np.float32), both).to_text() == expected
    one = np.array([True, False])
    assert Segmentation(text, sentences, both.astype(np.float32), one).to_text() == text
