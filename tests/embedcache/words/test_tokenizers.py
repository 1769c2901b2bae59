"""Tokens of sentences."""

import pytest

from embedcache.words.scripts import has_kana
from embedcache.words.tokenizers import japanese_tokenizer, word_tokenizer


def test_text_with_spaces_is_split_into_words_and_punctuation():
    tokens = [forms[0] for forms in word_tokenizer().tokenize("É o mesmo rio? Não, 3 rios.")]
    assert tokens == ["É", "o", "mesmo", "rio", "?", "Não", ",", "3", "rios", "."]


def test_japanese_tokens_are_looked_up_by_surface_and_then_by_dictionary_form():
    tokens = japanese_tokenizer().tokenize("雨が降っていた。 傘")
    assert [forms[0] for forms in tokens] == ["雨", "が", "降っ", "て", "い", "た", "。", "傘"]
    assert "降る" in tokens[2][1:]


def test_a_very_long_sentence_is_tokenized():
    assert len(japanese_tokenizer().tokenize("雨が降る。" * 20_000)) > 70_000


@pytest.mark.parametrize("character", ["㌖", "ﷺ"])  # 18 and 33 bytes after NFKC
def test_characters_that_become_longer_are_tokenized(character):
    tokens = japanese_tokenizer().tokenize(character * 9000)
    assert "".join(spellings[0] for spellings in tokens) == character * 9000


def test_kana_of_any_width_are_japanese():
    assert all(map(has_kana, ["漢字かな", "ｶﾅ", "ゔ", "ヷ"]))
    assert not any(map(has_kana, ["漢字・", "Latin ー", "한국어"]))
