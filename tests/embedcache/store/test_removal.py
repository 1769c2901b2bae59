"""Removing spaces and vectors keeps all others, even if the store is in use or a kill occurs."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedcache import EmbeddingStore, StoreError
from embedcache.store.compaction import compact
from embedcache.store.removal import (
    count_unreachable,
    count_unwanted,
    remove_spaces,
    remove_unwanted,
)
from embedcache.store.verification import verify
from tests.conftest import ROOT
from tests.embedcache.store.stores import (
    FINGERPRINT,
    append_numbers,
    check_numbers,
    flip_value,
    ids_of,
    make_format_1,
    make_store,
    make_two_spaces,
    numbered,
)

OTHER = "b" * 32


def numbers_of(path, fingerprint, count):
    """Return the sentences below a number that have a vector, and check the vectors."""
    space = EmbeddingStore(path).space(fingerprint)
    numbers = np.flatnonzero(space.contains(ids_of(*range(count))))
    assert len(space) == len(numbers)
    assert np.array_equal(space.vectors(ids_of(*numbers))[:, -1], numbers)
    return set(numbers.tolist())


def test_a_removed_space_is_not_found_and_its_pages_are_reused(tmp_path):
    make_two_spaces(tmp_path)
    size = (tmp_path / "data.mdb").stat().st_size
    remove_spaces(tmp_path, [OTHER])
    store = EmbeddingStore(tmp_path)
    assert [info.fingerprint for info in store.spaces()] == [FINGERPRINT]
    assert verify(tmp_path).unreachable == 0
    assert numbers_of(tmp_path, FINGERPRINT, 3000) == {*range(3000)}
    append_numbers(tmp_path, 0, 1000, fingerprint=OTHER, dim=8)
    assert (tmp_path / "data.mdb").stat().st_size == size
    assert numbers_of(tmp_path, OTHER, 1000) == {*range(1000)}
    remove_spaces(tmp_path, [OTHER, FINGERPRINT])
    assert store.spaces() == []
    assert compact(tmp_path)[1] < 20_000


def test_a_writer_of_a_removed_space_gets_an_error(tmp_path):
    make_two_spaces(tmp_path)
    space = EmbeddingStore(tmp_path).space(OTHER)
    remove_spaces(tmp_path, [OTHER])
    with pytest.raises(StoreError, match="no longer has the space"):
        space.append(ids_of(9000), numbered(0, 1, 8))


def test_values_without_a_space_are_counted_and_removed(tmp_path):
    make_two_spaces(tmp_path)
    environment = EmbeddingStore(tmp_path)._environment
    environment.write(lambda transaction: transaction.delete(b"space/" + OTHER.encode()), 0)
    assert count_unreachable(tmp_path) == verify(tmp_path).unreachable > 1500 * 32
    remove_spaces(tmp_path, [])
    assert count_unreachable(tmp_path) == verify(tmp_path).unreachable == 0
    assert numbers_of(tmp_path, FINGERPRINT, 3000) == {*range(3000)}


@settings(max_examples=15)
@given(
    sizes=st.lists(st.integers(1, 1500), min_size=1, max_size=4),
    share=st.sampled_from([0, 0.01, 0.5, 0.99, 1]),
    seed=st.integers(0, 100),
)
def test_exactly_the_wanted_vectors_are_kept(tmp_path_factory, sizes, share, seed):
    path = tmp_path_factory.mktemp("store")
    stops = np.cumsum(sizes).tolist()
    for first, stop in zip([0, *stops], stops, strict=False):
        append_numbers(path, first, stop)
    chosen = np.flatnonzero(np.random.default_rng(seed).random(stops[-1]) < share).tolist()
    wanted = ids_of(*chosen, 10_000, 10_001)  # the store lacks two of them
    assert count_unwanted(path, wanted) == {FINGERPRINT: stops[-1] - len(chosen)}
    remove_unwanted(path, wanted)
    assert numbers_of(path, FINGERPRINT, stops[-1]) == {*chosen}
    assert verify(path).is_sound
    append_numbers(path, 0, stops[-1])
    assert numbers_of(path, FINGERPRINT, stops[-1]) == {*range(stops[-1])}


def test_the_wanted_vectors_of_all_spaces_are_kept(tmp_path):
    make_two_spaces(tmp_path)
    remove_unwanted(tmp_path, ids_of(*range(1400, 2500)))
    assert numbers_of(tmp_path, FINGERPRINT, 3000) == {*range(1400, 2500)}
    assert numbers_of(tmp_path, OTHER, 1500) == {*range(1400, 1500)}


def test_readers_always_find_the_wanted_vectors(tmp_path):
    make_store(tmp_path, 3000)
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    done = Event()

    def read():
        while not done.is_set():
            assert np.array_equal(space.vectors(ids_of(*range(50)))[:, 0], np.arange(50))

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            for count in range(2500, 0, -500):
                remove_unwanted(tmp_path, ids_of(*range(count)))
        finally:
            done.set()
        reader.result()
    assert len(space) == 500


def test_nothing_is_removed_from_a_damaged_store(tmp_path):
    make_two_spaces(tmp_path)
    flip_value(tmp_path, b"v" + bytes(11) + b"\x01")
    with pytest.raises(StoreError, match="run segtool store repair first"):
        remove_unwanted(tmp_path, ids_of(1))
    check_numbers(tmp_path, [0, 2999])
    flip_value(tmp_path, b"space/" + OTHER.encode())
    before = (tmp_path / "data.mdb").read_bytes()
    with pytest.raises(StoreError, match="run segtool store repair"):
        remove_spaces(tmp_path, [FINGERPRINT])
    assert (tmp_path / "data.mdb").read_bytes() == before


def test_a_space_of_format_1_is_not_removed(tmp_path):
    make_two_spaces(tmp_path)
    make_format_1(tmp_path)
    with pytest.raises(StoreError, match="run segtool store upgrade first"):
        remove_spaces(tmp_path, [OTHER])


REMOVE_AND_DIE = """
import os, signal, sys
from pathlib import Path
import lmdb
from embedcache.store import removal, replacement
from tests.embedcache.store.stores import ids_of
def kill(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
path = Path(sys.argv[1])
if sys.argv[2] == "space":
    keys = removal._keys_of_no_space
    def first_of(*arguments):
        yield keys(*arguments)[0]
        kill()
    removal._keys_of_no_space = first_of
    removal.remove_spaces(path, ["b" * 32])
else:
    replacement.publish = kill
    removal.remove_unwanted(path, ids_of(*range(10)))
"""


@pytest.mark.parametrize("what", ["space", "vectors"])
def test_a_killed_removal_removes_nothing(tmp_path, what):
    make_two_spaces(tmp_path)
    done = subprocess.run([sys.executable, "-c", REMOVE_AND_DIE, str(tmp_path), what], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert numbers_of(tmp_path, FINGERPRINT, 3000) == {*range(3000)}
    assert numbers_of(tmp_path, OTHER, 1500) == {*range(1500)}
    remove_unwanted(tmp_path, ids_of(*range(10)))
    assert numbers_of(tmp_path, OTHER, 1500) == {*range(10)}
    assert sorted(os.listdir(tmp_path)) == ["commits", "data.mdb", "lock.mdb"]
