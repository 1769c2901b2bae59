"""Vectors of a corpus, read from a real store."""

import numpy as np
import pytest

from embedcache import UserError, encode_sentences
from embedcache.store import JOIN
from segclf.corpus import Corpus, Document
from segclf.inputs.rows import PART, RowFile
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.vectors import StoredRows, examples_of, training_examples
from segclf.workspace.workspace import Workspace
from tests.conftest import HashEncoder

N = PART + 3000


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    """A corpus with repeated sentences, encoded in another order by two encoders."""
    workspace = Workspace(tmp_path_factory.mktemp("rows"))
    random = np.random.default_rng(0)
    sentences = [f"s{number}" for number in random.integers(N // 2, size=N)]
    corpus = Corpus.of([Document("one", sentences, random.random(N) < 0.3)], ["train"])
    store = workspace.store(create=True)
    encoders = HashEncoder(8), HashEncoder(3)
    encode_sentences(sorted(sentences), encoders[0], store, dtype="float16")
    encode_sentences(sentences[::-1], encoders[1], store)
    return workspace, corpus, encoders


def reference(*encoders):
    fingerprints = [encoder.fingerprint for encoder in encoders]
    return EncoderReference("hash", None, JOIN.join(fingerprints))


@pytest.mark.parametrize("parts", [1, 2])
def test_rows_are_in_the_order_of_the_corpus(encoded, parts):
    workspace, corpus, encoders = encoded
    rows = StoredRows(corpus, workspace, reference(*encoders[:parts]))
    whole = workspace.store().vectors(reference(*encoders[:parts]).fingerprint, rows._ids)
    assert rows.shape == whole.shape == (N, (8, 11)[parts - 1])
    assert rows.dtype == whole.dtype == np.float32
    assert rows.stored_dtype == (np.float16, np.float32)[parts - 1]
    assert rows.nbytes == whole.nbytes
    for start, stop in ((0, 10), (5, 40), (PART - 3, PART + 3), (PART, N), (7, 9), (0, N), (N, N)):
        assert np.array_equal(rows[start:stop], whole[start:stop])
    assert np.array_equal(rows[:], whole)


@pytest.mark.parametrize("memory", [0, 1e-9, 0.001, 10])
def test_vectors_that_fit_are_in_memory_and_others_in_files(encoded, memory):
    workspace, corpus, encoders = encoded
    before = sorted(workspace.path.rglob("*"))
    train, dev = training_examples(corpus, corpus, workspace, reference(*encoders), memory)
    fits = memory * 1e9 >= 2 * N * 11 * 4
    for examples in (train, dev):
        assert isinstance(examples.vectors, np.ndarray if fits else RowFile)
    rows = StoredRows(corpus, workspace, reference(*encoders))
    assert np.array_equal(train.vectors[:], rows[:])
    assert np.array_equal(dev.vectors[100:200], rows[100:200])
    assert sorted(workspace.path.rglob("*")) == before, "the files have no names"


def test_vectors_for_prediction_are_in_memory_only_if_they_fit(encoded):
    workspace, corpus, encoders = encoded
    encoder = reference(encoders[0])
    whole = examples_of(corpus, workspace, encoder).vectors
    assert isinstance(whole, np.ndarray)
    parts = examples_of(corpus, workspace, encoder, memory=0.0).vectors
    assert isinstance(parts, StoredRows)
    assert np.array_equal(parts[10:20], whole[10:20])


def test_a_full_disk_is_reported_before_anything_is_written(encoded, monkeypatch):
    workspace, corpus, encoders = encoded
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(UserError, match=r"needs 0\.0 GB .* free some space, .*--memory 0\.1"):
        training_examples(corpus, corpus, workspace, reference(*encoders), 0)
    training_examples(corpus, corpus, workspace, reference(*encoders), 1)


@pytest.mark.parametrize("memory", [-1, float("nan")])
def test_memory_must_be_a_size(encoded, memory):
    workspace, corpus, encoders = encoded
    with pytest.raises(UserError, match=r"memory is .*: use a number of gigabytes, 0 or more"):
        training_examples(corpus, corpus, workspace, reference(*encoders), memory)
