"""Damage is found and named, and a repair keeps all that is sound."""

import os
import shutil
import signal
import subprocess
import sys
from functools import partial

import lmdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_64_digest

from embedcache import EmbeddingStore, StoreError, encode_sentences
from embedcache.store.removal import remove_unwanted
from embedcache.store.repair import repair
from embedcache.store.verification import Damage, verify
from tests.conftest import ROOT, HashEncoder
from tests.embedcache.store.stores import (
    FINGERPRINT,
    append_numbers,
    check_numbers,
    flip_key,
    flip_value,
    ids_of,
    keys_of,
    make_format_1,
    make_store,
    make_two_spaces,
    replace_bytes,
)

OTHER = "b" * 32


def block_key(number, space=0):
    return b"v" + space.to_bytes(4, "big") + number.to_bytes(8, "big")


def segment_key(number, space=0):
    return b"i" + space.to_bytes(4, "big") + number.to_bytes(8, "big")


def check_sound_vectors(path, lost=(), lost_of_other=()):
    """Assert that both spaces have the right vectors of all sentences but the lost ones."""
    store = EmbeddingStore(path, create=False)
    for fingerprint, count, gone in ((FINGERPRINT, 3000, lost), (OTHER, 1500, lost_of_other)):
        space = store.space(fingerprint)
        present = space.contains(ids_of(*range(count)))
        assert set(np.flatnonzero(~present)) == set(gone)
        assert len(space) == count - len(gone)
        numbers = np.flatnonzero(present)
        assert np.array_equal(space.vectors(ids_of(*numbers))[:, -1], numbers)


@pytest.fixture
def path(tmp_path):
    make_two_spaces(tmp_path)
    return tmp_path


def test_a_sound_store_has_no_damage_and_is_not_rewritten(path):
    before = (path / "data.mdb").read_bytes()
    found = verify(path)
    assert found.is_sound
    assert [space.rows for space in found.spaces] == [3000, 1500]
    assert repair(path).lost == [0, 0]
    assert (path / "data.mdb").read_bytes() == before


@pytest.mark.parametrize(
    ("key", "damage", "lost"),
    [
        (block_key(0), Damage("vectors", FINGERPRINT, (0, 1023), 1024), range(1024)),
        (block_key(2), Damage("vectors", FINGERPRINT, (2048, 2999), 952), range(2048, 3000)),
        (segment_key(0), Damage("index", FINGERPRINT, (0, 2047), 2048), range(2048)),
        (segment_key(2), Damage("index", FINGERPRINT, (2748, 2999), 252), range(2748, 3000)),
    ],
)
@pytest.mark.parametrize("bit", [100, -1])
def test_lost_vectors_are_named_and_all_others_kept(path, key, damage, lost, bit):
    flip_value(path, key, bit)
    assert verify(path).damage == (damage,)
    assert repair(path).lost == [len(lost), 0]
    assert verify(path).is_sound
    check_sound_vectors(path, lost)
    append_numbers(path, 0, 3000)
    check_sound_vectors(path)


@pytest.mark.parametrize("bit", [100, 1000, -3])
def test_a_flipped_bit_of_a_description_is_corrected(path, bit):
    flip_value(path, b"space/" + OTHER.encode(), bit)
    assert verify(path).damage == (Damage("description", OTHER),)
    with pytest.raises(StoreError, match="run segtool store repair"):
        EmbeddingStore(path).spaces()
    assert repair(path).lost == [0, 0]
    assert verify(path).is_sound
    check_sound_vectors(path)


@pytest.mark.parametrize("bit", [2, 20, 60, 200])
def test_a_flipped_bit_of_the_key_of_a_description_is_corrected(path, bit):
    flip_key(path, b"space/" + OTHER.encode(), bit)
    assert verify(path).damage == (Damage("description", OTHER),)
    assert repair(path).lost == [0, 0]
    check_sound_vectors(path)


@pytest.mark.parametrize(("key", "part"), [(block_key(1), "vectors"), (segment_key(1), "index")])
@pytest.mark.parametrize("bit", [1, 24, 90, 96, 97])  # also to the key of another value
def test_a_value_with_a_damaged_key_is_found(path, key, part, bit):
    flip_key(path, key, bit)
    (damage,) = verify(path).damage
    assert (damage.part, damage.space, damage.sentences) == (part, FINGERPRINT, 0)
    assert repair(path).lost == [0, 0]
    assert verify(path).is_sound
    check_sound_vectors(path)


def test_a_damaged_header_is_restored(path):
    flip_value(path, b"format", 3)
    assert verify(path).damage == (Damage("header"),)
    repair(path)
    assert verify(path).is_sound
    assert EmbeddingStore(path).format() == 2
    check_sound_vectors(path)


@pytest.mark.parametrize("bit", [0, 4, 21, 47])
def test_a_header_with_a_damaged_key_is_restored(path, bit):
    key = bytearray(b"format")
    key[bit // 8] ^= 1 << bit % 8
    replace_bytes(path, b'format{"format"', bytes(key) + b'{"format"')
    assert verify(path).damage == (Damage("header"), Damage("unknown"))
    assert repair(path).lost == [0, 0]
    assert verify(path).is_sound
    assert EmbeddingStore(path).format() == 2
    check_sound_vectors(path)


def test_the_vectors_of_a_lost_description_are_kept_but_unreachable(path):
    key = b"space/" + OTHER.encode()
    flip_value(path, key, 100)
    flip_value(path, key, 200)
    found = repair(path).found
    assert found.damage == (Damage("description"),)
    assert [space.rows for space in found.spaces] == [3000]
    after = verify(path)
    assert after.is_sound
    assert after.unreachable == 1500 * (8 * 4 + 24) + 3 * 8  # two blocks and a segment
    check_numbers(path, [*range(3000)])


def test_all_damage_is_listed_and_repaired_at_once(path):
    for key in (block_key(0), block_key(1, 1), segment_key(1), b"format"):
        flip_value(path, key, 50)
    flip_key(path, block_key(2), 4)
    assert set(verify(path).damage) == {
        Damage("header"),
        Damage("vectors", FINGERPRINT, (0, 1023), 1024),
        Damage("vectors", FINGERPRINT, (2048, 2999), 0),
        Damage("index", FINGERPRINT, (2048, 2747), 700),
        Damage("vectors", OTHER, (1024, 1499), 476),
    }
    assert repair(path).lost == [1724, 476]
    check_sound_vectors(path, [*range(1024), *range(2048, 2748)], range(1024, 1500))


def test_a_missing_block_is_named(path):
    EmbeddingStore(path)._environment.write(lambda t: t.delete(block_key(1)), 0)
    assert verify(path).damage == (Damage("vectors", FINGERPRINT, (1024, 2047), 1024),)
    repair(path)
    check_sound_vectors(path, range(1024, 2048))


def test_a_store_of_format_1_is_repaired_and_can_then_be_upgraded(path):
    make_format_1(path)
    assert verify(path).is_sound
    flip_value(path, block_key(1))
    assert verify(path).damage == (Damage("vectors", FINGERPRINT, (1024, 2047), 1024),)
    repair(path)
    store = EmbeddingStore(path)
    assert store.format() == 1
    check_sound_vectors(path, range(1024, 2048))
    store.upgrade()
    assert verify(path).is_sound
    check_sound_vectors(path, range(1024, 2048))


def test_precisions_and_truncated_sentences_are_kept(tmp_path):
    make_store(tmp_path, 1024, precision="bfloat16")
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    truncated = np.arange(512) % 2 == 0
    numbers = [*range(1024, 1536)]
    vectors = np.ones((512, 4), np.float32)
    space.append(ids_of(*numbers), vectors, truncated=truncated, precision="float32")
    flip_value(tmp_path, block_key(0))
    repair(tmp_path)
    assert space.info().precisions == {"bfloat16": 0, "float32": 512}
    assert space.precisions(ids_of(*range(1536))) == {"float32": 512}
    entries = space.find(ids_of(*numbers))
    assert np.array_equal(entries >> 62 == 1, truncated)


def test_a_repaired_store_is_filled_with_the_same_vectors(tmp_path):
    sentences = [f"sentence {number}" for number in range(2500)]
    encoder = HashEncoder()
    encode_sentences(sentences, encoder, EmbeddingStore(tmp_path))
    space = EmbeddingStore(tmp_path).space(encoder.fingerprint)
    before = space.vectors(space_ids := ids_of(*sentences))
    flip_value(tmp_path, block_key(1))
    assert repair(tmp_path).lost == [1024]
    encoder.encoded.clear()
    assert encode_sentences(sentences, encoder, EmbeddingStore(tmp_path)).encoded == 1024
    assert len(encoder.encoded) == 1024
    assert np.array_equal(space.vectors(space_ids), before)


@settings(max_examples=12)
@given(data=st.data())
def test_any_flipped_bit_of_a_key_or_a_value_is_found_and_repaired(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("store")
    make_two_spaces(path)
    key = data.draw(st.sampled_from(keys_of(path)))
    is_key = data.draw(st.booleans()) and key != b"format"  # it occurs in the header too
    with EmbeddingStore(path)._environment.reading() as transaction:
        size = len(key if is_key else transaction.get(key))
    (flip_key if is_key else flip_value)(path, key, data.draw(st.integers(0, 8 * size - 1)))
    found = verify(path)
    assert found.damage  # a key that is out of order may also hide the header from a search
    assert sum(repair(path).lost) == sum(damage.sentences for damage in found.damage)
    assert verify(path).is_sound
    for fingerprint, count in ((FINGERPRINT, 3000), (OTHER, 1500)):
        space = EmbeddingStore(path).space(fingerprint)
        numbers = np.flatnonzero(space.contains(ids_of(*range(count))))
        assert len(space) == len(numbers)
        assert np.array_equal(space.vectors(ids_of(*numbers))[:, -1], numbers)


DIE = """
import os, signal, sys
from pathlib import Path
from embedcache.store import repair, replacement, rewriting
def kill(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "while writing":
    put, calls = rewriting._put, []
    def put_some(*arguments):
        calls.append(put(*arguments))
        if len(calls) == 4:
            kill()
    rewriting._put = put_some
else:
    replacement.publish = kill
repair.repair(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("when", ["while writing", "before the new file is in place"])
def test_a_killed_repair_leaves_the_store_as_it_was(path, when):
    flip_value(path, block_key(0))
    before = (path / "data.mdb").read_bytes()
    done = subprocess.run([sys.executable, "-c", DIE, str(path), when], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert (path / "data.mdb").read_bytes() == before
    check_numbers(path, [1024, 2999])
    assert repair(path).lost == [1024, 0]
    check_sound_vectors(path, range(1024))
    assert sorted(os.listdir(path)) == ["commits", "data.mdb", "lock.mdb"]


@pytest.mark.parametrize("damage", ["not a store", "truncated", "a page"])
def test_a_store_that_lmdb_cannot_read_is_reported_in_one_line(tmp_path, damage):
    make_two_spaces(tmp_path)
    shutil.copytree(tmp_path, path := tmp_path / "copy", ignore=shutil.ignore_patterns("copy"))
    size = (path / "data.mdb").stat().st_size
    with (path / "data.mdb").open("r+b") as file:
        if damage == "not a store":
            file.write(bytes(size))
        elif damage == "truncated":
            file.truncate(size // 3 // 4096 * 4096)
        else:  # the root of the tree
            with lmdb.open(str(tmp_path / "copy"), readonly=True, lock=False) as environment:
                root = environment.info()["last_pgno"]
            for page in range(2, root + 1):
                file.seek(4096 * page)
                file.write(b"\xff" * 64)
    before = (path / "data.mdb").read_bytes()
    for care in (verify, repair):
        with pytest.raises(StoreError, match=r"cannot be used|is damaged") as caught:
            care(path)
        assert "\n" not in str(caught.value)
    assert (path / "data.mdb").read_bytes() == before


def test_a_missing_store_and_one_of_a_later_version_are_refused(path, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    for care in (verify, repair):
        for place in (empty, empty / "missing"):
            with pytest.raises(StoreError, match="no embedding store"):
                care(place)
    assert not list(empty.iterdir())
    header = b'{"format": 9}'
    value = header + xxh3_64_digest(header)
    EmbeddingStore(path)._environment.write(lambda t: t.put(b"format", value), 0)
    for care in (verify, repair):
        with pytest.raises(StoreError, match="upgrade segtool"):
            care(path)


@pytest.mark.parametrize("progress", [True, False])
def test_progress_is_shown_if_it_is_wanted(path, progress, capsys, monkeypatch):
    monkeypatch.setattr("embedcache.terminal._INTERVAL", 0)  # immediately
    flip_value(path, block_key(0))
    for care in (verify, repair, partial(remove_unwanted, wanted=ids_of(1100))):
        care(path, progress=progress)
        shown = capsys.readouterr().err
        assert (" values (" in shown) == progress
        assert bool(shown) == progress
