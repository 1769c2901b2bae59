"""Sentence ids."""

import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from xxhash import xxh3_128_intdigest

from embedcache import normalize, sentence_ids

texts = st.text(st.characters(codec="utf-8"))


def test_the_ideographic_space_before_a_paragraph_is_removed():
    assert normalize("　雨が　降る。\r\n") == "雨が 降る。"


def test_unpaired_surrogates_are_replaced():
    assert normalize("a \ud800 \U0001f600 b\udfff" * 100) == "a \ufffd \U0001f600 b\ufffd" * 100


@given(texts)
def test_normalizing_is_idempotent(text):
    assert normalize(normalize(text)) == normalize(text)


@given(texts)
def test_composed_and_decomposed_forms_are_equal(text):
    assert normalize(unicodedata.normalize("NFD", text)) == normalize(text)


marks = "\u0301\u0327\u0344\u0f73\u0f71\u05b0\u0345\u3099\U0001d165"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.text("aeか한\u1100\u1161 ", max_size=5), st.text(marks)), max_size=8))
@example([marks * 30])
@example(["é", marks[::-1] * 30, "か", "\u3099" * 30, " é"])
def test_long_runs_of_combining_marks_have_the_same_normal_form(pieces):
    text = "".join(piece * 20 for piece in pieces)
    assert normalize(text) == " ".join(unicodedata.normalize("NFC", text).split())


def test_whitespace_in_a_long_text_is_collapsed_everywhere():
    spaces = " \u3000\n"
    words = (f"{number}{spaces[number % 3] * (number % 4 + 1)}" for number in range(400_000))
    text = "".join(words)
    assert len(text) > 2 << 20
    assert normalize(text) == " ".join(text.split())


def test_a_million_combining_marks_are_sorted_before_they_are_normalized(monkeypatch):
    """The standard library sorts marks by insertion, which takes an hour for these."""
    normalize_sorted = unicodedata.normalize

    def check_order(form, text):
        orders = [unicodedata.combining(character) for character in text]
        assert sum(0 < after < before for before, after in pairwise(orders)) < 1000
        return normalize_sorted(form, text)

    monkeypatch.setattr(unicodedata, "normalize", check_order)
    text = "e" + "\u0301\u0327" * 500_000 + "a" * 100_000  # more than is read at a time
    expected = "\u0229" + "\u0327" * 499_999 + "\u0301" * 500_000 + "a" * 100_000
    assert normalize(text) == expected


@given(st.lists(texts, unique=True))
def test_different_sentences_have_different_ids(sentences):
    ids = sentence_ids(sentences)
    assert ids.shape == (len(sentences), 2)
    assert len({tuple(row) for row in ids.tolist()}) == len(sentences)


def test_ids_never_change():
    """Stores of earlier versions have these ids, XXH3 128 of the UTF-8 bytes."""
    expected = np.array([[0x99AA06D3014798D8, 0x6001C324468D497F]], dtype=np.uint64)
    assert (sentence_ids([""]) == expected).all()


def test_the_high_half_of_an_id_comes_first():
    for sentence in ("a", "雨が降る。", "\U00020000"):
        (high, low), (again, _) = sentence_ids([sentence, sentence]).tolist()
        assert (high << 64) | low == xxh3_128_intdigest(sentence.encode())
        assert high == again


@pytest.mark.parametrize("length", [250, 255, 256, 300])
def test_short_and_long_texts_are_normalized_alike(length):
    text = "　e\u0301か\u3099 " + "あ い\n" * length
    for part in (text[:length], text):
        assert normalize(part) == " ".join(unicodedata.normalize("NFC", part).split())


@pytest.mark.parametrize("count", [254, 255, 256, 257])
def test_runs_of_marks_around_the_length_that_is_sorted_are_normalized_alike(count):
    for text in ("e" + "\u0301\u0327" * count, "\U0001d165" * count + "\u0327"):
        assert normalize(text) == unicodedata.normalize("NFC", text)
    assert normalize("\ud800" * count) == "\ufffd" * count
