"""Encoding sentences into a store."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from embedcache import UserError, encode_sentences, normalize, sentence_ids
from embedcache import encode as encode_module
from embedcache.batches import token_batches
from tests.conftest import HashEncoder


def counts(report):
    return report.sentences, report.unique, report.encoded, report.cached


def test_each_distinct_sentence_is_encoded_once(store, encoder):
    sentences = ["雨が降る。", "　雨が降る。", "風が吹く。", "雨が降る。"]
    assert counts(encode_sentences(sentences, encoder, store)) == (4, 2, 2, 0)
    assert counts(encode_sentences([*sentences, "雪。"], encoder, store)) == (5, 3, 1, 2)
    assert sorted(encoder.encoded) == sorted(["雨が降る。", "風が吹く。", "雪。"])


def test_vectors_are_those_of_the_encoder(store, encoder):
    sentences = [f"{'あ' * (n % 50)}{n}" for n in range(3000)]
    encode_sentences(iter(sentences), encoder, store)
    read = store.space(encoder.fingerprint).vectors(sentence_ids(sentences))
    assert np.array_equal(read, HashEncoder().encode(sentences))


def test_repeats_in_other_chunks_are_counted_once(store, encoder, monkeypatch):
    monkeypatch.setattr(encode_module, "CHUNK_SENTENCES", 10)
    stream = (str(n % 25) for n in range(100))
    assert counts(encode_sentences(stream, encoder, store)) == (100, 25, 25, 0)


def test_empty_input_is_valid(store, encoder):
    assert counts(encode_sentences([], encoder, store)) == (0, 0, 0, 0)


class Stopping(HashEncoder):
    """Raises KeyboardInterrupt when it has encoded a number of sentences."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def encode(self, sentences):
        if len(self.encoded) >= self.after:
            raise KeyboardInterrupt
        return super().encode(sentences)


def test_an_interrupted_call_keeps_its_vectors_and_can_be_continued(store):
    sentences = [f"{n} " + "x" * 600 for n in range(50)]
    with pytest.raises(KeyboardInterrupt):
        encode_sentences(sentences, Stopping(20), store)
    kept = len(store.spaces()) and store.spaces()[0].rows
    assert kept >= 20
    report = encode_sentences(sentences, HashEncoder(), store)
    assert counts(report) == (50, 50, 50 - kept, kept)


class Counting(HashEncoder):
    """Counts characters as tokens and reads ten of them."""

    max_tokens = 10

    def count_tokens(self, sentences):
        return np.array([len(sentence) for sentence in sentences])


def test_an_encoder_may_use_the_same_array_for_every_batch(store):
    class Reusing(HashEncoder):
        batch_tokens = 8
        array = np.zeros((8, 32), dtype=np.float32)

        def encode(self, sentences):
            self.array[: len(sentences)] = super().encode(sentences)
            return self.array[: len(sentences)]

    sentences = [str(n) for n in range(50)]
    encode_sentences(sentences, Reusing(), store)
    read = store.space(Reusing().fingerprint).vectors(sentence_ids(sentences))
    assert np.array_equal(read, HashEncoder().encode(sentences))


@pytest.mark.parametrize(("value", "dtype"), [(np.nan, "float32"), (1e5, "float16")])
def test_a_vector_that_is_not_finite_is_an_error_and_earlier_vectors_are_kept(store, value, dtype):
    class Failing(HashEncoder):
        batch_tokens = 1

        def encode(self, sentences):
            return (
                super().encode(sentences) if sentences != ["bad"] else np.full((1, self.dim), value)
            )

    with pytest.raises(UserError, match=f"not finite in {dtype} for 'bad'"):
        encode_sentences([*map(str, range(50)), "bad"], Failing(), store, dtype=dtype)
    assert 0 < len(store.space(Failing().fingerprint)) < 51


def test_truncated_sentences_are_counted_even_if_they_are_cached(store):
    sentences = ["x" * 10, "x" * 11, "y" * 30, "y" * 30]
    assert encode_sentences(sentences, Counting(), store).truncated == 2
    assert encode_sentences(sentences, Counting(), store).truncated == 2


@given(
    hnp.arrays(np.int64, st.integers(0, 200), elements=st.integers(0, 600)),
    st.integers(1, 2000),
)
def test_each_sentence_is_in_one_batch_and_no_batch_exceeds_the_budget(lengths, budget):
    batches = list(token_batches(lengths, budget))
    assert sorted(position for batch in batches for position in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= budget


def test_torch_is_not_imported_if_all_sentences_are_cached(tmp_path):
    script = """
import sys
from embedcache import EmbeddingStore, encode_sentences, load_encoder, sentence_ids
import numpy as np
encoder = load_encoder("e5-small")
store = EmbeddingStore(sys.argv[1])
space = store.create_space(encoder.fingerprint, name=encoder.name, dim=encoder.dim)
space.append(sentence_ids(["a", "b"]), np.ones((2, encoder.dim), dtype=np.float32))
report = encode_sentences(["a", " b "], encoder, store)
assert report.cached == 2, report
assert not {"torch", "transformers", "sentence_transformers"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "s")], check=True)


def test_sentences_are_normalized_before_encoding(store, encoder):
    encode_sentences(["　e\u0301  x\n"], encoder, store)
    assert encoder.encoded == [normalize("é x")]
