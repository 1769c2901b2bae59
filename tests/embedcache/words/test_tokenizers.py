"""Tokens of sentences."""

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
