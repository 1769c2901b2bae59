"""The layout of format 2 never changes: other versions read and write the same files."""

import json

import numpy as np
from xxhash import xxh3_64_digest

from embedcache import EmbeddingStore
from embedcache.store.space_info import SpaceInfo, value_sizes
from tests.embedcache.store.stores import FINGERPRINT, ids_of, keys_of

INFO = b"space/" + FINGERPRINT.encode()
BLOCK, SEGMENT = b"v" + bytes(12), b"i" + bytes(12)


def contents(path):
    """Return the values of a store without their checksums, which are checked."""
    with EmbeddingStore(path)._environment.reading() as transaction:
        values = {bytes(key): bytes(value) for key, value in transaction.cursor()}
    for key, value in values.items():
        signed = key + (len(value) - 8).to_bytes(8, "little") if key != b"format" else b""
        assert value[-8:] == xxh3_64_digest(signed + value[:-8])
    return {key: value[:-8] for key, value in values.items()}


def test_the_values_of_a_store_are_those_of_format_2(tmp_path):
    identity = {"model": "雨", "layers": 7}
    space = EmbeddingStore(tmp_path).create_space(FINGERPRINT, name="雨", dim=2, identity=identity)
    vectors = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], dtype=np.float32)
    ids = ids_of(1, 2, 3, 4)
    truncated = np.array([False, True])
    space.append(ids[:2], vectors[:2], truncated=truncated, precision="bfloat16")
    space.append(ids[2:], vectors[2:])
    found = contents(tmp_path)
    assert keys_of(tmp_path) == [b"format", SEGMENT, INFO, BLOCK]
    assert found[b"format"] == b'{"format": 2}'
    assert "雨".encode() in found[INFO]
    assert json.loads(found[INFO]) == {
        "fingerprint": FINGERPRINT,
        "number": 0,
        "name": "雨",
        "dim": 2,
        "dtype": "float32",
        "rows": 4,
        "identity": identity,
        "precisions": {"bfloat16": 2, "float32": 2},
        "segments": [[0, 4]],
    }
    assert found[BLOCK] == vectors.astype("<f4").tobytes()
    order = np.argsort(ids[:, 0])
    entries = np.array([0 | 1 << 56, 1 | 1 << 56 | 1 << 62, 2 | 2 << 56, 3 | 2 << 56], dtype="<i8")
    parts = (ids[order, 0], ids[order, 1], entries[order])
    assert found[SEGMENT] == b"".join(part.tobytes() for part in parts)


def test_the_second_space_and_later_values_have_the_next_numbers(tmp_path):
    store = EmbeddingStore(tmp_path)
    store.create_space(FINGERPRINT, name="x", dim=1)
    space = store.create_space("b" * 32, name="y", dim=1, dtype="float16")
    ids = ids_of(*range(2000))
    for first, stop in ((0, 1500), (1500, 1600), (1600, 1610)):
        space.append(ids[first:stop], np.arange(first, stop, dtype=np.float16)[:, None])
    found = contents(tmp_path)
    second = b"\0\0\0\1"
    numbers = [number.to_bytes(8, "big") for number in range(3)]
    assert [key for key in found if key[:1] == b"v"] == [b"v" + second + n for n in numbers[:2]]
    assert [key for key in found if key[:1] == b"i"] == [b"i" + second + n for n in numbers]
    assert len(found[b"v" + second + numbers[0]]) == 1024 * 2
    assert len(found[b"v" + second + numbers[1]]) == (1610 - 1024) * 2
    assert space.info().segments == ((0, 1500), (1, 100), (2, 10))
    assert {key: len(found[key]) for key in value_sizes(space.info())} == value_sizes(space.info())


def test_a_description_has_the_size_and_the_dtype_of_its_vectors():
    info = SpaceInfo(FINGERPRINT, 0, "x", dim=3, rows=1025)
    assert (info.bytes, list(info.blocks), info.memory_dtype) == (1025 * 12, [0, 1], np.float32)
    half = SpaceInfo(FINGERPRINT, 0, "x", dim=3, dtype="float16", rows=1024)
    assert (half.bytes, list(half.blocks), half.memory_dtype) == (1024 * 6, [0], np.float32)
    words = SpaceInfo(FINGERPRINT, 0, "x", dim=3, dtype="int32")
    assert (words.bytes, list(words.blocks), words.memory_dtype) == (0, [], np.int32)
