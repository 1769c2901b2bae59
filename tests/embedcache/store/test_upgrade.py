"""Reading and upgrading stores of format 1."""

import subprocess
import sys

import numpy as np
import pytest
from xxhash import xxh3_64_digest

from embedcache import EmbeddingStore, StoreError, encode_sentences
from embedcache.store.upgrade import upgrade
from tests.conftest import ROOT
from tests.embedcache.store.stores import (
    FINGERPRINT,
    check_numbers,
    ids_of,
    make_format_1,
    make_store,
    numbered,
    replace_bytes,
)


def test_a_store_of_format_1_can_be_read_but_not_written(tmp_path):
    make_store(tmp_path, 1500)
    make_format_1(tmp_path)
    check_numbers(tmp_path, [0, 700, 1499])
    store = EmbeddingStore(tmp_path)
    assert store.format() == 1
    assert store.space(FINGERPRINT).precisions(ids_of(1, 2)) == {"float32": 2}
    space = store.create_space(FINGERPRINT, name="x", dim=4)
    for write in (
        lambda: space.append(ids_of(2000), numbered(2000, 2001)),
        lambda: store.create_space("b" * 32, name="y", dim=4),
        space.check_writable,
    ):
        with pytest.raises(StoreError, match=r"format 1.*run segtool store upgrade first"):
            write()
    assert len(space) == 1500


def test_an_upgraded_store_has_all_vectors_and_can_be_written(tmp_path):
    make_store(tmp_path, 1500, precision="bfloat16")
    make_format_1(tmp_path)
    store = EmbeddingStore(tmp_path)
    assert store.upgrade() == 4  # the info, the segment and two blocks
    assert store.format() == 2
    assert store.upgrade() == 0
    space = store.space(FINGERPRINT)
    assert space.append(ids_of(1500), numbered(1500, 1501)) == 1
    assert space.precisions(ids_of(*range(2000))) == {"bfloat16": 1500, "float32": 1}
    check_numbers(tmp_path, [*range(1501)])


def test_rows_of_several_precisions_are_unknown_after_the_upgrade(tmp_path):
    make_store(tmp_path, 10, precision="float32")
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    space.append(ids_of(10, 11), numbered(10, 12), precision="bfloat16")
    make_format_1(tmp_path)
    EmbeddingStore(tmp_path).upgrade()
    space.append(ids_of(12), numbered(12, 13), precision="bfloat16")
    assert space.precisions(ids_of(*range(20))) == {"unknown": 12, "bfloat16": 1}
    assert space.info().precisions == {"float32": 10, "bfloat16": 3}


def test_an_upgrade_refuses_damaged_values(tmp_path):
    make_store(tmp_path, 3000)
    make_format_1(tmp_path)
    vector = numbered(1500, 1501).tobytes()
    replace_bytes(tmp_path, vector, vector[:-1] + b"\x01")
    store = EmbeddingStore(tmp_path)
    with pytest.raises(StoreError, match="damaged"):
        store.upgrade()
    assert store.format() == 1
    check_numbers(tmp_path, [0, 2999])


@pytest.mark.parametrize("flip", [(1, 0), (1, 3), (2, 3)])
def test_an_upgrade_refuses_a_block_with_the_key_of_another(tmp_path, flip):
    make_store(tmp_path, 3 * 1024)
    make_format_1(tmp_path)
    old, new = (b"v" + bytes(11) + bytes([number]) for number in flip)
    replace_bytes(tmp_path, old, new)
    store = EmbeddingStore(tmp_path)
    with pytest.raises(StoreError, match="damaged"):
        store.upgrade()
    assert store.format() == 1


@pytest.mark.parametrize("batch_bytes", [1, 5000, 20_000])
def test_an_upgrade_in_small_steps_gives_the_same_values(tmp_path, monkeypatch, batch_bytes):
    stores = []
    for name in ("once", "steps"):
        make_store(tmp_path / name, 3000)
        make_format_1(tmp_path / name)
        stores.append(EmbeddingStore(tmp_path / name))
    assert stores[0].upgrade() == 5
    monkeypatch.setattr("embedcache.store.upgrade._BATCH_BYTES", batch_bytes)
    assert stores[1].upgrade() == 5
    both = []
    for store in stores:
        with store._environment.reading() as transaction:
            both.append([(bytes(key), bytes(value)) for key, value in transaction.cursor()])
    assert both[0] == both[1]


def test_a_missing_or_unknown_value_is_named(tmp_path):
    key = b"v" + bytes(11) + b"\x01"
    for name, change, named in (
        ("missing", lambda transaction: transaction.delete(key), key),
        ("unknown", lambda transaction: transaction.put(b"zzz", b"x"), b"zzz"),
    ):
        make_store(tmp_path / name, 3000)
        make_format_1(tmp_path / name)
        store = EmbeddingStore(tmp_path / name)
        store._environment.write(change, 0)
        with pytest.raises(StoreError) as raised:
            upgrade(store._environment, [store.space(FINGERPRINT).info()], progress=False)
        assert f"is damaged at {named!r}: " in str(raised.value)


UPGRADE_IN_SMALL_STEPS = """
import sys
from embedcache import EmbeddingStore
from embedcache.store import upgrade
upgrade._BATCH_BYTES = 1
print("started", flush=True)
EmbeddingStore(sys.argv[1], create=False).upgrade()
"""


def signed_as_in_format_1(store):
    with store._environment.reading() as transaction:
        return sum(
            xxh3_64_digest(value[:-8]) == bytes(value[-8:]) for _, value in transaction.cursor()
        )


def test_a_killed_upgrade_can_be_continued_and_readers_see_no_damage(tmp_path):
    count = 60 * 1024
    make_store(tmp_path, count)
    make_format_1(tmp_path)
    store = EmbeddingStore(tmp_path)
    space = store.space(FINGERPRINT)
    every = ids_of(*range(0, count, 100))
    command = [sys.executable, "-c", UPGRADE_IN_SMALL_STEPS, str(tmp_path)]
    left = [signed_as_in_format_1(store)]
    while store.format() == 1:
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as upgrading:
            upgrading.stdout.readline()
            while upgrading.poll() is None and signed_as_in_format_1(store) > left[-1] - 20:
                assert np.array_equal(space.vectors(every)[:, 0], np.arange(0, count, 100))
            upgrading.kill()
        left.append(signed_as_in_format_1(store))
        assert left[-1] < left[-2] or left[-1] == 1  # it was killed just before the last commit
    assert left[-1] == 1  # the header
    check_numbers(tmp_path, [*range(0, count, 100)])


def test_nothing_is_encoded_for_a_read_only_format(tmp_path, encoder):
    encode_sentences(["a"], encoder, EmbeddingStore(tmp_path))
    make_format_1(tmp_path)
    store = EmbeddingStore(tmp_path)
    assert encode_sentences(["a"], encoder, store).cached == 1
    with pytest.raises(StoreError, match="run segtool store upgrade first"):
        encode_sentences(["a", "b"], encoder, store)
    assert encoder.encoded == ["a"]
