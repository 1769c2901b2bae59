"""Tokenization with a part of the vocabulary, compared with the whole vocabulary."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from embedcache.encoders import e5_small, partial_vocabulary
from embedcache.encoders.token_ids import SentenceTokenizer, save_tokenizer

WORDS = [
    "猫",
    "吾輩は",
    "ferry",
    "Straße",
    "é",
    "ﬁ",
    "①",
    "😀",
    "　",
    " ",
    "\n",
    "<unk>x",
    "▁",
    "x" * 40,
    "Я",
]
TEXTS = st.lists(st.text() | st.lists(st.sampled_from(WORDS)).map("".join), max_size=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    whole = Tokenizer.from_file(str(e5_small.model_directory() / "tokenizer.json"))
    save_tokenizer(whole, folder)
    partial_vocabulary.PartialVocabulary.save(whole, folder)
    return folder


@pytest.fixture(scope="module")
def partial(folder):
    return partial_vocabulary.PartialVocabulary.open(folder)


@pytest.fixture(scope="module")
def whole(folder):
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.fixture(scope="module")
def smaller(whole):
    """Content of tokenizer.json with the fewest pieces that are divided."""
    content = json.loads(whole.to_str())
    content["model"]["vocab"] = content["model"]["vocab"][:50_000]
    content["added_tokens"] = content["added_tokens"][:4]  # the others have larger ids
    return json.dumps(content)


@settings(max_examples=50)
@given(texts=TEXTS)
def test_a_part_of_the_vocabulary_gives_the_same_tokens(partial, whole, texts):
    expected = [found.ids for found in whole.encode_batch(texts)]
    if partial.suits(texts):
        tokenizer, numbers = partial.tokenizer_for(texts)
        assert [numbers[found.ids].tolist() for found in tokenizer.encode_batch(texts)] == expected


def test_a_text_with_a_special_token_needs_the_whole_vocabulary(folder, partial, whole):
    texts = ["a<s>b", "<mask>"]
    assert not any(partial.suits([text]) for text in texts)
    tokens = SentenceTokenizer(folder, "", 512).tokenize(texts)
    assert [row.tolist() for row in tokens.inputs] == [whole.encode(text).ids for text in texts]


def test_a_special_token_may_result_from_normalization(tmp_path, smaller):
    whole = Tokenizer.from_str(smaller)
    whole.add_tokens([AddedToken("<x>", normalized=True)])
    save_tokenizer(whole, tmp_path)
    partial_vocabulary.PartialVocabulary.save(whole, tmp_path)
    tokens = SentenceTokenizer(tmp_path, "", 512).tokenize(["a＜x＞b"])
    assert whole.token_to_id("<x>") in tokens.inputs[0]
    assert tokens.inputs[0].tolist() == whole.encode("a＜x＞b").ids


@pytest.mark.parametrize(
    "change",
    [
        {"unk_id": None},
        {"byte_fallback": True},
        {"vocab": [[piece, -1.0] for piece in "abcde"]},  # loads fast enough
        {"post_processor": {"type": "Sequence", "processors": []}},
        {"post_processor": {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]}},
    ],
)
def test_other_vocabularies_are_not_divided(tmp_path, smaller, change):
    content = json.loads(smaller)
    for name, value in change.items():
        (content if name in content else content["model"])[name] = value
    other = Tokenizer.from_str(json.dumps(content))
    save_tokenizer(other, tmp_path)
    partial_vocabulary.PartialVocabulary.save(other, tmp_path)
    assert partial_vocabulary.PartialVocabulary.open(tmp_path) is None
    if "post_processor" in change:
        tokens = SentenceTokenizer(tmp_path, "", 512).tokenize(["ab"])
        assert tokens.inputs[0].tolist() == other.encode("ab").ids


def test_the_smaller_vocabulary_is_divided(tmp_path, smaller):
    partial_vocabulary.PartialVocabulary.save(Tokenizer.from_str(smaller), tmp_path)
    assert partial_vocabulary.PartialVocabulary.open(tmp_path)


@pytest.mark.parametrize("copies", [1, 20_000])  # a part of the vocabulary, and all of it
def test_long_sentences_are_truncated_and_keep_the_last_special_token(folder, whole, copies):
    tokenizer = SentenceTokenizer(folder, "query: ", 8)
    texts = ["猫", "The ferry left before dawn, and nobody waved.", *["猫"] * (copies - 1)]
    tokens = tokenizer.tokenize(texts)
    assert tokens.truncated.tolist() == [False, True] + [False] * (copies - 1)
    assert tokens.lengths.tolist() == [len(row) for row in tokens.inputs]
    assert tokens.inputs[0].tolist() == whole.encode("query: 猫").ids
    long = whole.encode("query: " + texts[1]).ids
    assert tokens.inputs[1].tolist() == [*long[:7], long[-1]]


def test_many_short_texts_load_the_whole_vocabulary(folder, whole, monkeypatch):
    made = []
    tokenizer_for = partial_vocabulary.PartialVocabulary.tokenizer_for

    def observed(*given):
        made.append(given)
        return tokenizer_for(*given)

    monkeypatch.setattr(partial_vocabulary.PartialVocabulary, "tokenizer_for", observed)
    tokenizer = SentenceTokenizer(folder, "", 512)
    for word in WORDS[:6]:
        assert tokenizer.tokenize([word]).inputs[0].tolist() == whole.encode(word).ids
    assert len(made) == 2


def test_an_empty_list_of_sentences_has_no_tokens(folder):
    tokens = SentenceTokenizer(folder, "", 8).tokenize([])
    assert tokens.inputs == []
    assert tokens.lengths.shape == tokens.truncated.shape == (0,)


def test_several_threads_may_truncate_sentences(tmp_path):
    whole = Tokenizer(models.WordLevel({"?": 0, "rain": 1}, unk_token="?"))
    whole.pre_tokenizer = pre_tokenizers.Whitespace()
    save_tokenizer(whole, tmp_path)
    tokenizer = SentenceTokenizer(tmp_path, "", 16)
    texts = ["rain " * 300] * 100 + ["rain"]
    with ThreadPoolExecutor(4) as pool:
        for tokens in pool.map(tokenizer.tokenize, [texts] * 100):
            assert [len(row) for row in tokens.inputs] == [16] * 100 + [1]
            assert tokens.truncated.tolist() == [True] * 100 + [False]
