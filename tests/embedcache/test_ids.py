"""Sentence ids."""

import unicodedata

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embedcache import normalize, sentence_ids

texts = st.text(st.characters(codec="utf-8"))


def test_the_marker_of_a_paragraph_is_white_space_and_goes():
    assert normalize("　雨が　降る。\r\n") == "雨が 降る。"


@given(texts)
def test_normalizing_twice_changes_nothing_more(text):
    assert normalize(normalize(text)) == normalize(text)


@given(texts)
def test_composed_and_decomposed_forms_are_one_sentence(text):
    assert normalize(unicodedata.normalize("NFD", text)) == normalize(text)


@given(st.lists(texts, unique=True))
def test_different_sentences_have_different_ids(sentences):
    ids = sentence_ids(sentences)
    assert ids.shape == (len(sentences), 2)
    assert len({tuple(row) for row in ids.tolist()}) == len(sentences)


def test_ids_never_change():
    """A store outlives versions: these are XXH3 128 of the UTF-8 bytes."""
    expected = np.array([[0x99AA06D3014798D8, 0x6001C324468D497F]], dtype=np.uint64)
    assert (sentence_ids([""]) == expected).all()
