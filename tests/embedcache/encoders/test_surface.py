"""The encoder `surface`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedcache import UserError, load_encoder
from embedcache.encoders import surface
from embedcache.encoders.surface import SurfaceEncoder

ENCODER = SurfaceEncoder()
BRACKETS = slice(2 + len(surface.KINDS), 8 + len(surface.KINDS))


def encode(sentence):
    (vector,) = ENCODER.encode([sentence])
    return vector


def brackets(sentence):
    """Return the features of quotes and brackets, in thirds."""
    return np.round(encode(sentence)[BRACKETS] * 3).tolist()


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text_has_a_finite_small_vector(sentences):
    vectors = ENCODER.encode(sentences)
    assert vectors.shape == (len(sentences), ENCODER.dim)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    assert (np.abs(vectors) <= 3).all()


def test_speech_that_continues_differs_from_speech_that_ends():
    assert brackets("「そうです」") == [1, 0, 1, 0, 0, 0]
    assert brackets("「そうですか") == [1, 0, 0, 0, 1, 0]
    assert brackets("行きましょう」") == [0, 0, 1, 0, -1, -1]
    assert brackets("行く」と「言った") == [1, 0, 1, 0, 0, -1]
    assert brackets("“Yes” (he said)") == [1, 1, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("雨が降る", "雨が降った"),  # its last character
        ("雨が降る", "朝が降る"),  # its first
        ("それでは、これで", "それではこれでも"),  # its marks
        ("Rain fell", "rain fell"),  # a capital
        ("長い文がここにある", "長い文" * 9),  # its length
        ("ひらがなだけ", "カタカナダケ"),  # its script
    ],
)
def test_sentences_that_look_different_have_different_vectors(one, other):
    assert not np.array_equal(encode(one), encode(other))


def test_each_character_has_a_kind():
    kinds = {
        "「": "quote opens",
        "』": "quote closes",
        "(": "bracket opens",
        "】": "bracket closes",
        "。": "full stop",
        "？": "question",
        "、": "comma",
        "…": "dash",
        "〇": "digit",
        "あ": "hiragana",
        "ア": "katakana",
        "漢": "han",
        "한": "hangul",
        "A": "capital",
        "a": "letter",
        "ж": "letter",
        "%": "other mark",
        "\n": "other",
    }
    found = {character: surface.KINDS[surface.kind_of(character)] for character in kinds}
    assert found == kinds


def test_surface_is_built_in_and_has_no_pooling():
    assert load_encoder("surface").describe()["dim"] == ENCODER.dim
    with pytest.raises(UserError, match="has its own pooling"):
        load_encoder("surface", pooling="mean")
