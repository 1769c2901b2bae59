"""Encoding in memory, with or without a store."""

import numpy as np
import pytest

from embedcache import UserError, encode_in_memory, encode_sentences, sentence_ids

SENTENCES = ["雨が降る", "風が吹く", "雨が降る", "  夜になった ", "夜になった"]


def test_each_distinct_sentence_is_encoded_once(encoder):
    vectors = encode_in_memory(SENTENCES, encoder)
    assert sorted(encoder.encoded) == sorted({"雨が降る", "風が吹く", "夜になった"})
    expected = encoder.encode([sentence.strip() for sentence in SENTENCES])
    assert np.array_equal(vectors, expected)
    assert encode_in_memory([], encoder).shape == (0, encoder.dim)


def test_vectors_of_the_store_are_read_and_nothing_is_written(encoder, store):
    vectors = encode_in_memory(SENTENCES, encoder, store)
    assert not store.spaces()
    encode_sentences(SENTENCES[:2], encoder, store)
    encoder.encoded.clear()
    assert np.array_equal(encode_in_memory(SENTENCES, encoder, store), vectors)
    assert encoder.encoded == ["夜になった"]
    space = store.space(encoder.fingerprint)
    assert len(space) == 2
    assert not space.contains(sentence_ids(["夜になった"])).any()


def test_an_encoder_is_not_used_if_the_store_has_all_vectors(encoder, store):
    encode_sentences(SENTENCES, encoder, store)
    expected = encode_in_memory(SENTENCES, encoder)

    def unused(sentences):
        raise AssertionError("the encoder is used")

    encoder.count_tokens = encoder.encode = unused
    assert np.array_equal(encode_in_memory(SENTENCES, encoder, store), expected)


def test_a_vector_that_is_not_finite_is_an_error(encoder):
    encoder.encode = lambda sentences: np.full((len(sentences), encoder.dim), np.nan)
    with pytest.raises(UserError, match="雨が降る"):
        encode_in_memory(SENTENCES[:1], encoder)


@pytest.mark.parametrize("wrong", [np.s_[:1], np.s_[:, :1], np.s_[0]])
def test_vectors_of_another_shape_are_an_error(encoder, store, wrong):
    encode = encoder.encode
    encoder.encode = lambda sentences: encode(sentences)[wrong]
    with pytest.raises(ValueError, match=r"returns vectors of the shape .* instead of \(2, "):
        encode_in_memory(["雨が降る。", "風が吹く。"], encoder)
    with pytest.raises(ValueError, match=r"returns vectors of the shape .* instead of \(2, "):
        encode_sentences(["雨が降る。", "風が吹く。"], encoder, store)
