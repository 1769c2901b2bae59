"""Encoders based on word vectors, compared with direct implementations."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from embedcache import UserError, encode_in_memory, encode_sentences, load_encoder, sentence_ids
from embedcache.encoders.sif import SIF_A
from embedcache.encoders.word_vectors import MAX_WORDS, PADDING
from tests.embedcache.words.files import MATRIX, WORDS, as_text

ENGLISH = ["The cat sat, naïve.", "Ann sat.", "Nobody knows.", "the the CAT", "", "cat"]


def reference_words(sentence):
    """Return the rows of the known words of an English sentence."""
    row_of = {word: row for row, word in enumerate(WORDS) if word != "ENTITY/Cat"}
    tokens = sentence.replace(",", " , ").replace(".", " . ").split()
    words = [token if token in row_of else token.lower() for token in tokens]
    return [row_of[word] for word in words if word in row_of], len(tokens)


def test_the_mean_ignores_unknown_words(vector_file):
    encoder = load_encoder(f"wordvec:{vector_file}")
    assert (encoder.name, encoder.dim) == ("wordvec:vectors.txt", 5)
    matrix = MATRIX.astype(np.float64)
    expected = [
        matrix[rows].mean(axis=0) if rows else np.zeros(5)
        for rows, _ in map(reference_words, ENGLISH)
    ]
    vectors = encoder.encode(ENGLISH)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert not vectors[[2, 4]].any()
    assert encoder.encode([]).shape == (0, 5)


def reference_sif(train, sentences):
    """A direct implementation of Arora et al. 2017 in float64."""
    total = sum(reference_words(sentence)[1] for sentence in train)
    known = np.concatenate([reference_words(sentence)[0] for sentence in train]).astype(int)
    share = np.bincount(known, minlength=len(WORDS)) / total
    weighted = MATRIX.astype(np.float64) * (SIF_A / (SIF_A + share))[:, None]

    def means(texts):
        known = [reference_words(text)[0] for text in texts]
        return np.array([weighted[rows].mean(axis=0) if rows else np.zeros(5) for rows in known])

    component = np.linalg.svd(means(train))[2][0]
    vectors = means(sentences)
    return vectors - np.outer(vectors @ component, component)


def test_sif_agrees_with_the_paper(vector_file):
    train = ENGLISH[:4] * 700
    encoder = load_encoder(f"wordvec:{vector_file}", pooling="sif")
    with pytest.raises(UserError, match="fitted first"):
        encoder.encode(ENGLISH)
    expected_fingerprint = encoder.fingerprint_fitted_on(train)
    encoder.fit(train)
    assert encoder.fingerprint == expected_fingerprint
    vectors = encoder.encode(ENGLISH)
    np.testing.assert_allclose(vectors, reference_sif(train, ENGLISH), atol=1e-6)
    np.testing.assert_allclose(encoder.encode(ENGLISH[::-1]), vectors[::-1], atol=1e-6)
    restored = load_encoder(f"wordvec:{vector_file}", pooling="sif")
    restored.restore(encoder.state)
    assert restored.fingerprint == encoder.fingerprint
    assert np.array_equal(restored.encode(ENGLISH), vectors)


def test_fingerprints_depend_on_file_pooling_and_fit(tmp_path, vector_file):
    name = f"wordvec:{vector_file}"
    encoders = [load_encoder(name, pooling=pooling) for pooling in ("mean", "sif", "tokens")]
    sif = load_encoder(name, pooling="sif")
    seen = {encoder.fingerprint for encoder in encoders}
    seen |= {sif.fingerprint_fitted_on(ENGLISH), sif.fingerprint_fitted_on(ENGLISH[1:])}
    other = tmp_path / "other.txt"
    other.write_bytes(as_text(matrix=MATRIX + 1))
    seen.add(load_encoder(f"wordvec:{other}").fingerprint)
    assert len(seen) == 6
    assert sif.fingerprint_fitted_on(ENGLISH[::-1]) == sif.fingerprint_fitted_on(ENGLISH)
    assert load_encoder(name).fingerprint == encoders[0].fingerprint


def test_tokens_are_rows_in_the_order_of_the_sentence(vector_file, store):
    encoder = load_encoder(f"wordvec:{vector_file}", pooling="tokens")
    long = ["cat " * MAX_WORDS, "cat " * (MAX_WORDS + 1), "dog " * 500]
    sentences = [*ENGLISH, *long]
    report = encode_sentences(sentences, encoder, store)
    assert report.truncated == 1
    space = store.space(encoder.fingerprint)
    assert space.info().dtype == "int32"
    read = space.vectors(sentence_ids(" ".join(sentence.split()) for sentence in sentences))
    assert (read.dtype, read.shape) == (np.int32, (len(sentences), MAX_WORDS))
    for row, sentence in zip(read, sentences, strict=True):
        words = MATRIX[reference_words(sentence)[0][:MAX_WORDS]]
        np.testing.assert_allclose(encoder.vectors.matrix[row[: len(words)]], words, rtol=1e-6)
        assert (row[len(words) :] == PADDING).all()


def test_unsuitable_poolings_are_errors(vector_file):
    with pytest.raises(UserError, match="choose --pooling from mean, sif, tokens"):
        load_encoder(f"wordvec:{vector_file}", pooling="cls")
    with pytest.raises(UserError, match="for word vectors only: ginza or wordvec:FILE"):
        load_encoder("some/model", pooling="sif")


@pytest.mark.parametrize("pooling", ["mean", "sif", "tokens"])
def test_several_threads_may_use_an_encoder(tmp_path, pooling):
    words = [f"word{number}" for number in range(4000)]
    matrix = np.random.default_rng(0).standard_normal((len(words), 3)).astype(np.float32)
    (tmp_path / "many.txt").write_bytes(as_text(words, matrix))
    encoders = [load_encoder(f"wordvec:{tmp_path / 'many.txt'}", pooling=pooling) for _ in range(2)]
    if pooling == "sif":
        for encoder in encoders:
            encoder.fit(words[::2])
    parts = [[" ".join(words[i : i + 5]) for i in range(start, 4000, 8)] for start in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(partial(encode_in_memory, encoder=encoders[0]), parts))
    for vectors, part in zip(found, parts, strict=True):
        np.testing.assert_allclose(vectors, encode_in_memory(part, encoders[1]), atol=1e-6)
