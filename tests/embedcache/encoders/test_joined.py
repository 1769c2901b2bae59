"""Joined encoders: one encoder for the caller, one space of the store for each part."""

import tracemalloc

import numpy as np
import pytest

from embedcache import (
    StoreError,
    UserError,
    encode_in_memory,
    encode_sentences,
    load_encoder,
    sentence_ids,
)
from embedcache.encoders import JoinedEncoder, is_fingerprint
from tests.conftest import HashEncoder

SENTENCES = ["雨が降る。", "「風が吹く。」", "雪", "雨が降る。"]


class Stopping(HashEncoder):
    def encode(self, sentences):
        raise KeyboardInterrupt


def joined():
    return JoinedEncoder([HashEncoder(8, "a"), HashEncoder(4, "b")])


def test_fingerprints_have_a_form_that_records_can_check():
    fingerprint = joined().fingerprint
    assert is_fingerprint(fingerprint)
    assert is_fingerprint(fingerprint.split("+")[0])
    for wrong in ("", "+", fingerprint + "+", fingerprint[1:], "../" + fingerprint):
        assert not is_fingerprint(wrong)


def test_a_name_with_a_plus_is_one_encoder():
    encoder = load_encoder("minilm:0+surface")
    parts = [load_encoder("minilm:0"), load_encoder("surface")]
    assert encoder.name == "minilm:0+surface"
    assert encoder.dim == sum(part.dim for part in parts)
    assert encoder.fingerprint == "+".join(part.fingerprint for part in parts)
    assert encoder.describe()["encoders"][1] == parts[1].describe()
    expected = np.concatenate([part.encode(SENTENCES) for part in parts], axis=1)
    np.testing.assert_array_equal(encoder.encode(SENTENCES), expected)


def test_the_pooling_is_that_of_the_first_part():
    encoder = load_encoder("ginza+surface", pooling="sif")
    assert [part.identity.get("pooling") for part in encoder.parts] == ["sif", None]


def test_each_part_has_a_space_and_the_store_concatenates_them(store):
    encoder = joined()
    report = encode_sentences(SENTENCES, encoder, store)
    assert (report.unique, report.encoded, report.cached) == (3, 3, 0)
    assert [space.name for space in store.spaces()] == ["a", "b"]
    vectors = store.vectors(encoder.fingerprint, sentence_ids(SENTENCES))
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, encoder.encode(SENTENCES))
    assert encode_sentences(SENTENCES, encoder.parts[1], store).encoded == 0


def test_a_joined_encoder_can_be_joined_again(store):
    nested = JoinedEncoder([joined(), HashEncoder(2, "c")])
    assert [part.name for part in nested.parts] == ["a", "b", "c"]
    encode_sentences(SENTENCES, nested, store)
    vectors = store.vectors(nested.fingerprint, sentence_ids(SENTENCES))
    assert np.array_equal(vectors, nested.encode(SENTENCES))


def test_a_part_that_is_cached_is_not_encoded_again(store):
    encoder = joined()
    encode_sentences(SENTENCES[:2], encoder.parts[0], store)
    assert np.array_equal(encode_in_memory(SENTENCES, encoder, store), joined().encode(SENTENCES))
    assert sorted(encoder.parts[0].encoded) == sorted(set(SENTENCES))
    assert len(encoder.parts[1].encoded) == 3


def test_fast_parts_encode_first(store):
    encoder = JoinedEncoder([Stopping(), load_encoder("surface")])
    with pytest.raises(KeyboardInterrupt):
        encode_sentences(SENTENCES, encoder, store)
    assert len(store.space(encoder.parts[1].fingerprint)) == 3


def test_gathered_vectors_are_copied_once(store):
    encoder = JoinedEncoder([HashEncoder(256, "a"), HashEncoder(128, "b")])
    sentences = [str(number) for number in range(10_000)]
    encode_sentences(sentences, encoder, store)
    ids = sentence_ids(sentences)
    tracemalloc.start()
    vectors = store.vectors(encoder.fingerprint, ids)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.3 * vectors.nbytes


def test_a_missing_part_is_an_error(store):
    encoder = joined()
    encode_sentences(SENTENCES, encoder.parts[0], store)
    with pytest.raises(StoreError, match="no vectors from the encoder"):
        store.vectors(encoder.fingerprint, sentence_ids(SENTENCES))


def test_the_words_of_a_sentence_cannot_be_joined():
    with pytest.raises(UserError, match="cannot be joined"):
        load_encoder("ginza+surface", pooling="tokens")


def test_an_encoder_is_not_joined_to_itself():
    with pytest.raises(UserError, match="names a part twice"):
        load_encoder("surface+surface")


def test_paths_with_a_plus_are_not_split(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "c++"
    folder.mkdir()
    (folder / "words.vec").write_text("2 3\nrain 1 0 0\nsun 0 1 0\n")
    encoder = load_encoder("wordvec:c++/words.vec+surface")
    assert [part.name for part in encoder.parts] == ["wordvec:words.vec", "surface"]
    with pytest.raises(UserError, match="can only be the first"):
        load_encoder("surface+wordvec:c++/words.vec")


def test_a_home_folder_with_a_plus_is_not_split(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "c++"))
    (tmp_path / "c++").mkdir()
    (tmp_path / "c++/words.vec").write_text("2 3\nrain 1 0 0\nsun 0 1 0\n")
    encoder = load_encoder("wordvec:~/words.vec+surface")
    assert [part.name for part in encoder.parts] == ["wordvec:words.vec", "surface"]


@pytest.mark.parametrize("name", ["surface+", "+surface", "+"])
def test_an_empty_name_is_an_error(name):
    with pytest.raises(UserError, match="a name on each side"):
        load_encoder(name)


def test_an_unknown_part_is_an_error(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="unknown encoder '/nowhere'"):
        load_encoder("surface+/nowhere")
