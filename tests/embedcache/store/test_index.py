"""The index: sorted segments."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embedcache.store import index

# few different halves, so that ids often have one in common
halves = st.integers(0, 3) | st.integers(0, 2**64 - 1)
id_lists = st.lists(st.tuples(halves, halves), unique=True, max_size=60)


def as_ids(pairs):
    return np.array(pairs, dtype=np.uint64).reshape(-1, 2)


def segment_of(pairs, first_row=0):
    rows = np.arange(first_row, first_row + len(pairs))
    return index.Segment.sorted_from(
        as_ids(pairs), index.make_entries(rows, np.zeros(len(pairs), dtype=bool))
    )


@given(id_lists, id_lists)
def test_a_segment_finds_its_ids_and_no_others(present, asked):
    rows = {pair: row for row, pair in enumerate(present)}
    ids = as_ids(present + asked)
    found = segment_of(present).find(ids[:, 0], ids[:, 1])
    assert found.tolist() == [rows.get(pair, index.MISSING) for pair in present + asked]


@given(id_lists, st.integers(0, 60))
def test_serialized_merged_and_separate_segments_agree(pairs, cut):
    parts = [segment_of(pairs[:cut]), segment_of(pairs[cut:], len(pairs[:cut]))]
    parts = [index.Segment.from_bytes(memoryview(part.to_bytes())) for part in parts]
    expected = list(range(len(pairs)))
    assert index.find_in(parts, as_ids(pairs)).tolist() == expected
    assert index.find_in([index.merge(parts)], as_ids(pairs)).tolist() == expected


@given(st.lists(st.booleans(), max_size=20), st.integers(0, index.LARGEST_PRECISION))
def test_entries_contain_row_truncation_and_precision(flags, precision):
    truncated = np.array(flags, dtype=bool)
    rows = np.arange(len(flags)) + 2**56 - 21
    entries = index.make_entries(rows, truncated, precision)
    assert (index.entry_truncated(entries) == truncated).all()
    assert (index.entry_precisions(entries) == precision).all()
    assert (index.entry_rows(entries) == rows).all()
    assert (entries >= 0).all()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), max_size=30))
def test_the_first_occurrence_of_each_id_is_found(pairs):
    expected = [position for position, pair in enumerate(pairs) if pair not in pairs[:position]]
    assert index.first_occurrences(as_ids(pairs)).tolist() == expected


def test_a_thousand_commits_leave_few_segments():
    sizes = []
    written = 0
    for _ in range(1000):
        merged = index.segments_to_merge(sizes, 1)
        absorbed = sizes[len(sizes) - merged :]
        sizes = [*sizes[: len(sizes) - merged], 1 + sum(absorbed)]
        written += sizes[-1]
    assert sum(sizes) == 1000
    assert len(sizes) <= 11
    assert written <= 1000 * 11


def test_segments_are_merged_with_the_newer_ones_unless_they_are_twice_as_large():
    assert index.segments_to_merge([], 5) == 0
    assert index.segments_to_merge([8], 4) == 0
    assert index.segments_to_merge([7], 4) == 1
    assert index.segments_to_merge([23, 100, 7, 3], 2) == 2
    half = index.LARGEST_MERGE // 2
    assert index.segments_to_merge([1, half], half) == 1
    assert index.segments_to_merge([half + 1], half) == 0


@given(id_lists, id_lists)
def test_ids_among_others_are_found(ids, others):
    found = index.among(as_ids(ids), as_ids(others))
    assert found.dtype == bool
    assert found.tolist() == [pair in others for pair in ids]


@given(id_lists)
def test_the_ids_of_a_segment_are_sorted_and_keep_their_entries(pairs):
    segment = segment_of(pairs)
    assert (segment.high[1:] >= segment.high[:-1]).all()
    entries = {
        tuple(pair): row
        for pair, row in zip(segment.ids.tolist(), segment.entries.tolist(), strict=True)
    }
    assert entries == {pair: row for row, pair in enumerate(pairs)}
    assert len(segment.to_bytes()) == index.ENTRY_BYTES * len(segment)
