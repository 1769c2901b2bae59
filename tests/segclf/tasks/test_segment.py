"""Output of segmented text."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segclf.corpus.sentences import SENTENCE_RULES, Sentence
from segclf.corpus.unsegmented import read_sentences
from segclf.tasks.segment import Segmentation


def segmented(text, starts, boundaries, layout="ignore"):
    """A text whose sentences begin at `starts`."""
    spans = zip(starts, [*starts[1:], len(text)], strict=True)
    sentences = [Sentence(text[start:end].strip(), start, end) for start, end in spans]
    marks = np.array(boundaries)
    return Segmentation(
        text, sentences, marks.astype(np.float32), marks, np.zeros_like(marks), layout=layout
    )


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
def test_an_empty_line_is_inserted_if_the_layout_is_kept(text, second, expected):
    start = text.index(second)
    assert segmented(text, [0, start], [True, True], "keep").to_text() == expected
    assert segmented(text, [0, start], [True, False], "keep").to_text() == text


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("He said:", ' "Go." She left.', 'He said:\n\n"Go." She left.'),
        ("He said:", '\n"Go." She left.', 'He said:\n\n"Go." She left.'),
        ("He said:", '\r\n"Go."\r\n', 'He said:\r\n\r\n"Go."\r\n'),
        ("He said:", '\n\n"Go."', 'He said:\n\n"Go."'),
        ("He left.", "\n  She left.", "He left.\n\n  She left."),
        ("He left.\n", "  She left.", "He left.\n\n  She left."),
        ("He left. ", "\n She left.", "He left. \n\n She left."),
        ("「そうか」", "　彼は言った。", "「そうか」\n\n彼は言った。"),
        ("「そうか」\n", "　彼は言った。", "「そうか」\n\n　彼は言った。"),
    ],
)
def test_whitespace_at_the_beginning_of_a_sentence_is_not_an_indent(first, second, expected):
    text = first + second
    assert segmented(text, [0, len(first)], [True, True], "keep").to_text() == expected
    assert segmented(text, [0, len(first)], [True, False], "keep").to_text() == text


def test_the_layout_is_kept_around_dialogue():
    text = 'Then she said: "Go." He went to the\nwindow and said:\n"No." Nobody\nspoke.\n'
    found = read_sentences(text, SENTENCE_RULES["sentencex"], "en", cut_dialogue=False).sentences
    result = segmented(text, [s.start for s in found], [True] * len(found), "keep").to_text()
    assert result == (
        'Then she said:\n\n"Go."\n\nHe went to the\nwindow and said:\n\n"No."\n\nNobody\nspoke.\n'
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("text", "second", "together", "apart"),
    [
        ("A. B.", "B.", "A. B.", "A.\n\nB."),
        ("A.\n\n\nB.\n", "B.", "A.\nB.\n", "A.\n\nB.\n"),
        ("　一。\n　二。\n\n", "二。", "一。\n二。\n", "一。\n\n二。\n"),
        ("A\nb. \n \nB\nc.", "B", "A\nb.\nB\nc.", "A\nb.\n\nB\nc."),
    ],
)
def test_only_predictions_make_empty_lines_if_the_layout_is_ignored(
    text, second, together, apart, newline
):
    text, together, apart = (t.replace("\n", newline) for t in (text, together, apart))
    if newline not in text:
        apart = apart.replace(newline, "\n")  # no line break shows which kind to insert
    start = text.index(second)
    assert segmented(text, [0, start], [True, False]).to_text() == together
    assert segmented(text, [0, start], [True, True]).to_text() == apart


@given(
    sentences=st.lists(st.sampled_from(["雨。", "It rained.", "「風」"]), min_size=1, max_size=8),
    breaks=st.lists(st.sampled_from(["", " ", "　", "N", "N\t", "NN", " N N　"]), min_size=8),
    leading=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    layout=st.sampled_from(["ignore", "keep"]),
    data=st.data(),
)
def test_inserted_line_breaks_have_the_form_of_the_text(
    sentences, breaks, leading, newline, layout, data
):
    spaces = [b.replace("N", newline) for b in breaks]
    parts = [b + s if leading else s + b for s, b in zip(sentences, spaces, strict=False)]
    text = "".join(parts)
    ends = np.cumsum([len(part) for part in parts]).tolist()
    boundaries = [True, *(data.draw(st.booleans()) for _ in ends[1:])]
    result = segmented(text, [0, *ends[:-1]], boundaries, layout).to_text()
    assert "".join(result.split()) == "".join(text.split())
    found = set(re.findall(r"\r\n|\r|\n", result))
    assert found <= ({newline} if newline in text else {"\n"})
    for end, begins in zip(ends, boundaries[1:], strict=False):
        if begins:  # an empty line precedes it, and the previous sentence does not end with a space
            before = "".join(text[:end].split())
            at = next(i for i in range(len(result)) if "".join(result[:i].split()) == before)
            gap = result[at:][: len(result[at:]) - len(result[at:].lstrip())]
            assert len(re.findall(r"\r\n|\r|\n", gap)) >= 2
