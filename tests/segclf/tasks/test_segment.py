"""Output of segmented text."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segclf.corpus.sentences import Sentence
from segclf.tasks.segment import Segmentation


@pytest.mark.parametrize(
    ("text", "second", "expected"),
    [
        ("一。二。", "二。", "一。\n\n二。"),
        ("A. B.", "B.", "A.\n\nB."),
        ("一。　二。", "二。", "一。\n\n二。"),
        ("The cat sat.\nThe dog ran.", "The dog", "The cat sat.\n\nThe dog ran."),
        ("一。\n　二。", "二。", "一。\n\n　二。"),
        ("一。\n\n二。", "二。", "一。\n\n二。"),
        ("一。\n\n\n　二。", "二。", "一。\n\n\n　二。"),
        ("A.\r\nB.", "B.", "A.\r\n\r\nB."),
        ("A.\r\n \r\nB.", "B.", "A.\r\n \r\nB."),
        ("A.\rB.", "B.", "A.\r\rB."),
        ("A. B.\r\n", "B.", "A.\r\n\r\nB.\r\n"),
        ("A.\r\n　B.", "B.", "A.\r\n\r\n　B."),
    ],
)
def test_paragraphs_are_separated_by_an_empty_line(text, second, expected):
    start = text.index(second)
    sentences = [Sentence(text[:start].strip(), 0, start), Sentence(second, start, len(text))]
    both = np.ones(2, dtype=bool)
    assert Segmentation(text, sentences, both.astype(np.float32), both).to_text() == expected
    one = np.array([True, False])
    assert Segmentation(text, sentences, both.astype(np.float32), one).to_text() == text


@given(
    sentences=st.lists(st.sampled_from(["雨。", "It rained.", "「風」"]), min_size=1, max_size=8),
    breaks=st.lists(st.sampled_from(["", " ", "　", "N", "N\t", "NN", " N N　"]), min_size=8),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    data=st.data(),
)
def test_inserted_line_breaks_have_the_form_of_the_text(sentences, breaks, newline, data):
    parts = [s + b.replace("N", newline) for s, b in zip(sentences, breaks, strict=False)]
    text = "".join(parts)
    ends = np.cumsum([len(part) for part in parts]).tolist()
    spans = [Sentence("x", s, e) for s, e in zip([0, *ends], ends, strict=False)]
    boundaries = np.array([True, *(data.draw(st.booleans()) for _ in spans[1:])])
    segmented = Segmentation(text, spans, boundaries.astype(np.float32), boundaries).to_text()
    assert "".join(segmented.split()) == "".join(text.split())
    found = set(re.findall(r"\r\n|\r|\n", segmented))
    assert found <= ({newline} if newline in text else {"\n"})
    for end, begins in zip(ends, boundaries[1:], strict=False):
        if begins:  # an empty line precedes it, and the previous sentence does not end with a space
            before = "".join(text[:end].split())
            at = next(i for i in range(len(segmented)) if "".join(segmented[:i].split()) == before)
            gap = segmented[at:][: len(segmented[at:]) - len(segmented[at:].lstrip())]
            assert len(re.findall(r"\r\n|\r|\n", gap)) >= 2
