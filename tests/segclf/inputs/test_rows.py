"""Rows in a file: the same batches as in memory, with few rows in memory."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segclf.corpus.layout import Layout
from segclf.heads.registry import DOCUMENT_HEADS, WINDOW_HEADS, make_head
from segclf.inputs.crop_batches import CropBatches
from segclf.inputs.examples import Examples
from segclf.inputs.row_tensors import moments
from segclf.inputs.rows import PART, RowFile
from segclf.inputs.window_batches import WindowBatches
from segclf.inputs.windows import OUTSIDE, windows_of
from tests.segclf.topics import examples_for, topics

BATCHES = {
    "lengths": st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any),
    "batch_size": st.integers(1, 40),
    "seed": st.integers(0, 9),
}


def in_file(examples, folder):
    return Examples(RowFile(examples.vectors, folder), examples.layout, examples.table)


def documents_of(lengths, seed):
    """Numbered sentences: the vector of sentence i is (i, -i)."""
    offsets = np.cumsum([0, *lengths])
    numbers = np.arange(offsets[-1], dtype=np.float32)
    labels = np.random.default_rng(seed).random(offsets[-1]) < 0.5
    return Examples(np.stack([numbers, -numbers], axis=1), Layout(labels, offsets))


@settings(deadline=None)
@given(
    n=st.integers(0, 50),
    d=st.integers(1, 5),
    seed=st.integers(0, 9),
    picked=st.lists(st.floats(0, 0.999)),
)
def test_a_file_returns_the_rows_that_were_written(tmp_path_factory, n, d, seed, picked):
    rows = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    file = RowFile(rows, tmp_path_factory.getbasetemp())
    assert (file.shape, file.dtype) == ((n, d), np.float32)
    positions = np.array([int(share * n) for share in picked] if n else [], dtype=np.int64)
    file.prefetch(positions)
    assert np.array_equal(file.take(positions), rows[positions])
    for start, stop in pairwise([0, *sorted(positions.tolist()), n + 5]):
        assert np.array_equal(file[start:stop], rows[start:stop])


def test_the_moments_of_a_file_are_those_of_its_rows(tmp_path):
    rows = np.random.default_rng(0).standard_normal((PART + 1000, 3)).astype(np.float32)
    rows = rows * np.float32([1, 1e-3, 0]) + np.float32([0, 5, 0.1])
    file = RowFile(rows, tmp_path)
    assert np.allclose(file.mean, rows.mean(axis=0, dtype=np.float64), rtol=1e-12, atol=1e-12)
    assert np.allclose(file.deviation, rows.std(axis=0, ddof=1, dtype=np.float64), atol=1e-9)


def test_one_row_has_no_deviation_in_memory_and_in_a_file(tmp_path):
    row = np.float32([[0.5, -2, 3]])
    for rows in (torch.from_numpy(row), RowFile(row, tmp_path)):
        mean, deviation = moments(rows)
        assert mean.tolist() == row[0].tolist()
        assert deviation.tolist() == [0, 0, 0]


def test_a_file_of_float16_returns_what_a_store_of_float16_does(tmp_path):
    stored = np.random.default_rng(0).standard_normal((100, 7)).astype(np.float16)
    file = RowFile(stored.astype(np.float32), tmp_path, np.dtype("float16"))
    assert file[3:90].dtype == np.float32
    assert np.array_equal(file[:], stored.astype(np.float32))


@settings(deadline=None)
@given(
    **BATCHES,
    window=st.integers(1, 9),
)
def test_batches_of_windows_are_those_made_in_memory(
    tmp_path_factory, lengths, window, batch_size, seed
):
    examples = documents_of(lengths, seed)
    filed = in_file(examples, tmp_path_factory.getbasetemp())
    expected = windows_of(examples.layout, window)
    batches = [WindowBatches(each, window, batch_size, "cpu") for each in (examples, filed)]
    assert len(batches[0]) == len(batches[1])
    randoms = [np.random.default_rng(seed) for _ in batches]
    for _ in range(2):
        epochs = [list(b.epoch(random)) for b, random in zip(batches, randoms, strict=True)]
        assert_equal_batches(*epochs)
        seen = []
        for batch in epochs[1]:
            positions = batch.sentences[:, 0].long()
            shown = torch.where(batch.index == OUTSIDE, OUTSIDE, positions[batch.index]).numpy()
            seen += shown[:, window].tolist()
            assert np.array_equal(shown, expected[shown[:, window]])
        assert sorted(seen) == np.flatnonzero(examples.layout.is_candidate).tolist()


@settings(deadline=None)
@given(
    **BATCHES,
    crop=st.integers(1, 12),
)
def test_batches_of_crops_are_those_made_in_memory(
    tmp_path_factory, lengths, crop, batch_size, seed
):
    examples = documents_of(lengths, seed)
    filed = in_file(examples, tmp_path_factory.getbasetemp())
    batches = [CropBatches(each, crop, batch_size, "cpu") for each in (examples, filed)]
    randoms = [np.random.default_rng(seed) for _ in batches]
    for _ in range(2):
        assert_equal_batches(
            *(list(b.epoch(random)) for b, random in zip(batches, randoms, strict=True))
        )


def assert_equal_batches(expected, found):
    assert len(expected) == len(found)
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one.sentences, other.sentences)
        assert torch.equal(one.index, other.index)
        assert torch.equal(one.targets, other.targets)


@pytest.mark.parametrize("name", [*WINDOW_HEADS, *DOCUMENT_HEADS])
def test_predictions_from_a_file_are_those_from_memory(tmp_path, name):
    examples = examples_for(name, 0) if name in WINDOW_HEADS else topics(0)
    head = make_head(name, examples.dim)
    assert np.array_equal(head.predict(in_file(examples, tmp_path)), head.predict(examples))


def test_few_rows_are_in_memory_at_a_time(tmp_path):
    n, d = 6 * PART, 64

    class Numbers:
        """Rows that exist only while they are read."""

        shape, dtype = (n, d), np.dtype("float32")

        def __getitem__(self, rows):
            numbers = np.arange(*rows.indices(n), dtype=np.float32)
            return np.repeat(numbers[:, None], d, axis=1)

    layout = Layout(np.arange(n) % 5 == 0, np.arange(0, n + 1, PART // 4))
    tracemalloc.start()

    def rows_held():
        """Return the largest number of rows that NumPy arrays have held since a reset."""
        peak = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.reset_peak()
        return peak / (4 * d)

    try:
        before = tracemalloc.get_traced_memory()[0]
        file = RowFile(Numbers(), tmp_path)
        assert PART <= rows_held() < 2 * PART
        examples = Examples(file, layout)
        for batches in (
            WindowBatches(examples, 4, 256, "cpu"),
            CropBatches(examples, 64, 256, "cpu"),
        ):
            before = tracemalloc.get_traced_memory()[0]
            candidates = sum(len(b.targets) for b in batches.epoch(np.random.default_rng(0)))
            assert candidates == layout.is_candidate.sum()
            assert rows_held() < PART
        before = tracemalloc.get_traced_memory()[0]
        make_head("mlp", d).predict(examples)
        assert rows_held() < PART
    finally:
        tracemalloc.stop()
