"""Batches that threads encode in parallel."""

import itertools
import threading

import numpy as np
import pytest

from embedcache import UserError, encode_in_memory, encode_sentences
from embedcache.batches import BatchEncoder
from tests.conftest import HANG, HashEncoder


class Parallel(HashEncoder):
    """Records the threads that encode."""

    is_parallel = True
    batch_tokens = 8

    def __init__(self):
        super().__init__()
        self.threads = set()

    def encode(self, sentences):
        self.threads.add(threading.current_thread().name)
        return super().encode(sentences)


class Meeting(Parallel):
    """Encodes the first two batches only when two threads are ready to encode them."""

    def __init__(self):
        super().__init__()
        self.calls = itertools.count()
        self.barrier = threading.Barrier(2)

    def encode(self, sentences):
        if next(self.calls) < 2:
            self.barrier.wait(HANG)
        return super().encode(sentences)


SENTENCES = [f"{'a' * (number % 7)}{number}" for number in range(60)]


def test_parallel_batches_give_the_same_vectors(store):
    encoder = Meeting()
    found = encode_in_memory(SENTENCES, encoder, threads=3)
    assert np.array_equal(found, encode_in_memory(SENTENCES, HashEncoder(), threads=1))
    assert 1 < len(encoder.threads) <= 3
    encode_sentences(SENTENCES, encoder, store, threads=3)
    assert np.array_equal(encode_in_memory(SENTENCES, encoder, store), found)


def test_one_thread_is_the_calling_thread():
    encoder = Parallel()
    encode_in_memory(SENTENCES, encoder, threads=1)
    assert encoder.threads == {threading.current_thread().name}


def test_batches_are_returned_in_their_order():
    class Overtaking(Parallel):
        """Encodes the first batch last."""

        others = threading.Event()

        def encode(self, sentences):
            if sentences == SENTENCES[:1]:
                self.others.wait(HANG)
            else:
                self.others.set()
            return super().encode(sentences)

    encoder = Overtaking()
    batches = [np.array([position]) for position in range(20)]
    with BatchEncoder(encoder, np.dtype("float32"), 4) as encode:
        found = [batch[0] for batch, _ in encode.encode(SENTENCES, SENTENCES, batches)]
    assert found == list(range(20))


def test_an_error_in_a_thread_is_raised_and_keeps_finished_batches(store):
    class Failing(Parallel):
        def encode(self, sentences):
            if "a30" in sentences:
                raise RuntimeError("out of order")
            return super().encode(sentences)

    sentences = [f"a{number}" for number in range(60)]
    with pytest.raises(RuntimeError, match="out of order"):
        encode_sentences(sentences, Failing(), store, threads=2)
    assert not [t for t in threading.enumerate() if t.name.startswith("encode")]
    assert encode_sentences(sentences, Parallel(), store, threads=2).unique == 60


def test_threads_must_be_positive(store):
    with pytest.raises(UserError, match="--threads 0: use 1 or more"):
        encode_in_memory([], HashEncoder(), threads=0)
    with pytest.raises(UserError, match="--threads 0: use 1 or more"):
        encode_sentences(["a"], HashEncoder(), store, threads=0)
    assert store.spaces() == []
