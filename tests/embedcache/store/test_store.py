"""The embedding store, on real LMDB files, in one thread."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from xxhash import xxh3_64_digest

from embedcache import EmbeddingStore, StoreError
from embedcache.store.space import BLOCK_ROWS
from tests.embedcache.store.stores import ids_of, rows


def test_vectors_are_read_in_any_order(store):
    space = store.create_space("a" * 32, name="x", dim=4)
    vectors, ids = rows(3000), ids_of(*range(3000))
    assert space.append(ids[:700], vectors[:700]) == 700
    assert space.append(ids[700:], vectors[700:]) == 2300
    assert len(space) == 3000
    order = np.random.default_rng(1).integers(0, 3000, 5000)
    assert np.array_equal(space.vectors(ids[order]), vectors[order])
    assert np.array_equal(space.vectors(ids), vectors)
    assert space.vectors(ids[:0]).shape == (0, 4)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 200), max_size=80), max_size=8),
    hnp.arrays(np.int64, st.integers(0, 50), elements=st.integers(0, 250)),
)
def test_the_store_is_a_dictionary_that_keeps_the_first_value(tmp_path_factory, batches, asked):
    space = EmbeddingStore(tmp_path_factory.mktemp("s")).create_space("a" * 32, name="x", dim=4)
    model = {}
    for seed, batch in enumerate(batches):
        vectors = rows(len(batch), seed=seed)
        new = space.append(ids_of(*batch), vectors)
        before = len(model)
        for number, vector in zip(batch, vectors, strict=True):
            model.setdefault(number, vector)
        assert new == len(model) - before
    known = [number for number in asked.tolist() if number in model]
    assert space.contains(ids_of(*asked)).tolist() == [number in model for number in asked.tolist()]
    expected = np.array([model[number] for number in known], dtype=np.float32).reshape(-1, 4)
    assert np.array_equal(space.vectors(ids_of(*known)), expected)


def test_a_reopened_store_has_all_vectors(tmp_path):
    store = EmbeddingStore(tmp_path / "s")
    store.create_space("a" * 32, name="x", dim=4).append(ids_of(1, 2), rows(2))
    del store
    space = EmbeddingStore(tmp_path / "s", create=False).space("a" * 32)
    assert np.array_equal(space.vectors(ids_of(2)), rows(2)[1:])


def test_two_stores_opened_on_one_folder_share_their_vectors(tmp_path):
    first, second = EmbeddingStore(tmp_path / "s"), EmbeddingStore(tmp_path / "s")
    first.create_space("a" * 32, name="x", dim=4).append(ids_of(1), rows(1))
    assert np.array_equal(second.space("a" * 32).vectors(ids_of(1)), rows(1))


def test_encoders_have_separate_spaces(store):
    one = store.create_space("a" * 32, name="one", dim=4)
    two = store.create_space("b" * 32, name="two", dim=4)
    one.append(ids_of(1), rows(1, seed=1))
    two.append(ids_of(1), rows(1, seed=2))
    assert not np.array_equal(one.vectors(ids_of(1)), two.vectors(ids_of(1)))
    with pytest.raises(
        StoreError, match=r"no vectors from the encoder cccccccc; it has: one .*two"
    ):
        store.space("c" * 32)
    with pytest.raises(StoreError, match="dimension 4 and dtype float32, not dimension 5 and"):
        store.create_space("a" * 32, name="one", dim=5)


def test_a_missing_sentence_is_an_error(store):
    space = store.create_space("a" * 32, name="x", dim=4)
    space.append(ids_of(1), rows(1))
    with pytest.raises(StoreError, match="x has no vector for 1 of 2 sentences"):
        space.vectors(ids_of(1, 2))


def test_invalid_vectors_are_refused(store):
    space = store.create_space("a" * 32, name="x", dim=4)
    with pytest.raises(ValueError, match="shape"):
        space.append(ids_of(1), rows(1, dim=5))
    with pytest.raises(ValueError, match="NaN"):
        space.append(ids_of(1), np.full((1, 4), np.nan, dtype=np.float32))
    assert len(space) == 0


def test_float16_rounds_to_eleven_bits(store):
    space = store.create_space("a" * 32, name="x", dim=4, dtype="float16")
    vectors = rows(2000)
    space.append(ids_of(*range(2000)), vectors)
    read = space.vectors(ids_of(*range(2000)))
    assert read.dtype == np.float32
    normal = np.abs(vectors) > 6.2e-5  # smaller values are subnormal, with fewer bits
    assert (np.abs(read - vectors)[normal] <= np.abs(vectors)[normal] * 2.0**-11).all()


def test_words_are_stored_as_integers(store):
    space = store.create_space("a" * 32, name="x", dim=3, dtype="int32")
    tokens = np.array([[2**31 - 1, 16_777_217, -1], [0, -1, -1]], dtype=np.int32)
    space.append(ids_of(1, 2), tokens)
    read = space.vectors(ids_of(2, 1))
    assert read.dtype == np.int32
    assert np.array_equal(read, tokens[::-1])
    with pytest.raises(ValueError, match="vectors of float32 cannot be stored as int32"):
        space.append(ids_of(3), rows(1, dim=3))


def test_precisions_are_counted_within_a_space(store):
    space = store.create_space("a" * 32, name="x", dim=4)
    space.append(ids_of(1, 2), rows(2), precision="float32")
    space.append(ids_of(2, 3), rows(2), precision="bfloat16")
    assert space.info().precisions == {"float32": 2, "bfloat16": 1}


def test_the_map_grows_automatically(store):
    space = store.create_space("a" * 32, name="x", dim=1024)
    vectors = rows(40_000, dim=1024)  # 160 MB; the initial map is 64 MB
    ids = ids_of(*range(40_000))
    space.append(ids, vectors)
    assert np.array_equal(space.vectors(ids[-100:]), vectors[-100:])
    assert (store.path / "data.mdb").stat().st_size < 1.05 * vectors.nbytes


def test_a_damaged_block_is_an_error(tmp_path):
    path = tmp_path / "s"
    script = (
        "import sys, numpy as np; from embedcache import *;"
        "s = EmbeddingStore(sys.argv[1]).create_space('a' * 32, name='x', dim=64);"
        "s.append(sentence_ids(map(str, range(1024))), np.full((1024, 64), 1.5, dtype=np.float32))"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    data = bytearray((path / "data.mdb").read_bytes())
    inside = data.find(np.full(64, 1.5, dtype=np.float32).tobytes()) + 64
    data[inside] ^= 1
    (path / "data.mdb").write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        EmbeddingStore(path).space("a" * 32).vectors(ids_of(5))


def test_a_store_of_a_later_format_is_refused(tmp_path):
    store = EmbeddingStore(tmp_path / "s")
    environment = store._environment
    content = json.dumps({"format": 99}).encode()
    value = content + xxh3_64_digest(content)
    environment.write(lambda transaction: transaction.put(b"format", value), 0)
    with pytest.raises(StoreError, match="upgrade"):
        EmbeddingStore(tmp_path / "s")


def test_a_store_in_the_folder_of_a_deleted_one_is_new_for_earlier_objects_too(tmp_path):
    old = EmbeddingStore(tmp_path / "s")
    old.create_space("a" * 32, name="x", dim=2).append(ids_of(1), np.ones((1, 2), np.float32))
    shutil.rmtree(tmp_path / "s")
    new = EmbeddingStore(tmp_path / "s")
    assert new.spaces() == []
    new.create_space("b" * 32, name="y", dim=2)
    assert (tmp_path / "s/data.mdb").exists()
    assert [info.name for info in old.spaces()] == ["y"]


def test_a_deleted_store_is_reported(store):
    shutil.rmtree(store.path)
    with pytest.raises(StoreError, match="was moved or deleted: open it again"):
        store.spaces()


def test_a_moved_store_is_the_same_store(tmp_path):
    store = EmbeddingStore(tmp_path / "s")
    store.create_space("a" * 32, name="x", dim=2)
    (tmp_path / "s").rename(tmp_path / "t")
    assert [info.name for info in EmbeddingStore(tmp_path / "t").spaces()] == ["x"]
    assert EmbeddingStore(tmp_path / "s").spaces() == []


def test_a_file_that_is_not_a_store_is_an_error(tmp_path):
    (tmp_path / "data.mdb").write_bytes(bytes(range(256)) * 64)
    with pytest.raises(StoreError, match=r"cannot be used: .*not an LMDB file"):
        EmbeddingStore(tmp_path)


def test_a_space_keeps_its_dtype_by_default(store):
    store.create_space("a" * 32, name="x", dim=2, dtype="float16")
    assert store.create_space("a" * 32, name="x", dim=2).info().dtype == "float16"
    assert store.create_space("b" * 32, name="y", dim=2).info().dtype == "float32"
    with pytest.raises(StoreError, match="dtype float16, not dimension 2 and dtype float32"):
        store.create_space("a" * 32, name="x", dim=2, dtype="float32")


def test_a_missing_store_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="no embedding store"):
        EmbeddingStore(tmp_path / "s", create=False)
    assert not (tmp_path / "s").exists()


def test_a_block_is_one_value_of_many_rows(store):
    space = store.create_space("a" * 32, name="x", dim=4)
    space.append(ids_of(*range(5 * BLOCK_ROWS)), rows(5 * BLOCK_ROWS))
    with store._environment.reading() as transaction:
        keys = [bytes(key) for key in transaction.cursor().iternext(values=False)]
    assert sum(key.startswith(b"v") for key in keys) == 5


def test_each_row_has_a_precision(store):
    space = store.create_space("a" * 32, name="x", dim=4)
    space.append(ids_of(1, 2), rows(2), truncated=np.array([True, False]))
    assert space.precisions(ids_of(1, 99)) == {"float32": 1}
    assert space.precisions(ids_of(99)) == {}
    for start in range(3, 9):  # small commits, so that segments are merged
        space.append(ids_of(start - 1, start), rows(2), precision="bfloat16")
    space.append(ids_of(20), rows(1), precision="float16")
    everything = ids_of(*range(1, 21))
    assert space.precisions(everything) == {"float32": 2, "bfloat16": 6, "float16": 1}
    assert space.precisions(ids_of(8, 8, 1)) == {"float32": 1, "bfloat16": 2}
    assert space.precisions(ids_of(99)) == {}
    assert np.array_equal(space.vectors(ids_of(1, 2)), rows(2))


def test_a_space_is_found_by_the_name_or_the_beginning_of_the_fingerprint(store):
    with pytest.raises(StoreError, match=r"^the store has no space of x; it has: nothing yet$"):
        store.find_space("x")
    for fingerprint, name in (("a" * 32, "x"), ("a" * 8 + "b" * 24, "y"), ("c" * 32, "y")):
        store.create_space(fingerprint, name=name, dim=2)
    for encoder in ("x", "a" * 9, "a" * 32):
        assert store.find_space(encoder).fingerprint == "a" * 32
    assert store.find_space("c" * 8).name == "y"
    both = f"{'a' * 8 + 'b' * 24} or {'c' * 32}"
    with pytest.raises(StoreError, match=f"^2 spaces have the encoder y: choose {both}$"):
        store.find_space("y")
    with pytest.raises(StoreError, match="2 spaces have the encoder aaaaaaaa"):
        store.find_space("a" * 8)
    listed = r"x \(aaaaaaaa\), y \(aaaaaaaa\), y \(cccccccc\)"
    with pytest.raises(StoreError, match=f"no space of ccccccc; it has: {listed}$"):
        store.find_space("c" * 7)  # too short


def test_the_used_bytes_are_those_of_the_values_and_two_pages(store):
    assert store.file_bytes() == (store.path / "data.mdb").stat().st_size
    before = store.used_bytes()
    space = store.create_space("a" * 32, name="x", dim=256)
    space.append(ids_of(*range(2048)), rows(2048, dim=256))
    added = store.used_bytes() - before
    assert 2048 * (4 * 256 + 24) < added < 2048 * (4 * 256 + 24) + 50_000
    assert store.used_bytes() <= store.file_bytes()
    assert store.used_bytes() % 4096 == 0


def test_the_vectors_of_joined_encoders_are_concatenated(store):
    for letter, dim in (("a", 4), ("b", 1), ("c", 3)):
        store.create_space(letter * 32, name=letter, dim=dim).append(
            ids_of(1, 2, 3), rows(3, dim, seed=dim)
        )
    joined = "+".join(letter * 32 for letter in "bac")
    found = store.vectors(joined, ids_of(3, 1))
    assert np.array_equal(found, np.hstack([rows(3, dim, seed=dim)[[2, 0]] for dim in (1, 4, 3)]))
    assert np.array_equal(store.vectors("a" * 32, ids_of(2)), rows(3, 4, seed=4)[1:2])


def test_a_space_keeps_the_identity_of_its_encoder(store):
    identity = {"model": "\u96e8", "layers": [1, 2]}
    store.create_space("a" * 32, name="x", dim=2, identity=identity)
    store.create_space("b" * 32, name="y", dim=2)
    store.create_space("a" * 32, name="z", dim=2, identity={})
    first, second = store.spaces()
    assert (first.identity, first.name, second.identity) == (identity, "x", {})
    assert (first.number, second.number) == (0, 1)


def test_vectors_are_written_to_a_given_array(store):
    space = store.create_space("a" * 32, name="x", dim=2)
    space.append(ids_of(1, 2), rows(2, 2))
    table = np.zeros((2, 4), dtype=np.float32)
    assert space.vectors(ids_of(2, 1), out=table[:, 1:3]).base is table
    assert np.array_equal(table[:, 1:3], rows(2, 2)[::-1])
    assert not table[:, [0, 3]].any()


def test_a_space_has_at_most_sixty_three_precisions(store):
    space = store.create_space("a" * 32, name="x", dim=2)
    for number in range(63):
        space.append(ids_of(number), rows(1, 2), precision=f"p{number}")
    assert space.precisions(ids_of(62, 0, 62)) == {"p0": 1, "p62": 2}
    with pytest.raises(ValueError, match=r"^a space has at most 63 precisions$"):
        space.append(ids_of(63), rows(1, 2), precision="p63")
    assert len(space) == 63


def test_the_folders_above_a_new_store_are_made(tmp_path):
    EmbeddingStore(tmp_path / "a" / "b" / "s").create_space("a" * 32, name="x", dim=2)
    assert [info.name for info in EmbeddingStore(tmp_path / "a/b/s").spaces()] == ["x"]
