"""Helpers for tests of stores: contents, damage and the earlier format."""

import json

import numpy as np
from xxhash import xxh3_64_digest

from embedcache import EmbeddingStore, sentence_ids
from embedcache.store import index

FINGERPRINT = "a" * 32


def ids_of(*numbers):
    return sentence_ids(str(number) for number in numbers)


def rows(count, dim=4, seed=0):
    return np.random.default_rng(seed).standard_normal((count, dim), dtype=np.float32)


def numbered(first, last, dim=4):
    """Return vectors filled with the number of their sentence."""
    return np.repeat(np.arange(first, last, dtype=np.float32)[:, None], dim, axis=1)


def make_store(path, count, dim=4, **options):
    """Create a store of one space with the sentences 0, 1, ... and close it."""
    space = EmbeddingStore(path).create_space(FINGERPRINT, name="x", dim=dim)
    space.append(ids_of(*range(count)), numbered(0, count, dim), **options)


def check_numbers(path, numbers, dim=4):
    """Assert that each sentence's vector is filled with its number."""
    space = EmbeddingStore(path, create=False).space(FINGERPRINT)
    assert np.array_equal(space.vectors(ids_of(*numbers)), np.array(numbers)[:, None] * [[1] * dim])


def replace_bytes(path, old, new):
    """Replace bytes in the file of a store wherever they occur."""
    content = (path / "data.mdb").read_bytes()
    assert len(old) == len(new)
    assert old in content
    with (path / "data.mdb").open("r+b") as file:
        file.write(content.replace(old, new))


def make_format_1(path):
    """Convert a store to the checksums, header and index entries of format 1."""
    environment = EmbeddingStore(path)._environment

    def rewrite(transaction):
        for key in [bytes(key) for key in transaction.cursor().iternext(values=False)]:
            data = bytes(transaction.get(key))[:-8]
            if key == b"format":
                data = json.dumps({"format": 1}).encode()
            if key.startswith(b"i"):
                ids, entries = data[: len(data) // 3 * 2], data[len(data) // 3 * 2 :]
                old = np.frombuffer(entries, dtype="<i8") & (index._ROW | index._TRUNCATED)
                data = ids + old.tobytes()
            transaction.put(key, data + xxh3_64_digest(data))

    environment.write(rewrite, (path / "data.mdb").stat().st_size)


def wait_for_line(process):
    """Return the next line that a process prints; fail if it has ended."""
    line = process.stdout.readline()
    assert line, "the process has ended"
    return line


def append_numbers(path, first, last, fingerprint=FINGERPRINT, dim=4):
    """Add the sentences first, ... to a space, which is created if it is missing."""
    space = EmbeddingStore(path).create_space(fingerprint, name=fingerprint[:1], dim=dim)
    space.append(ids_of(*range(first, last)), numbered(first, last, dim))


def make_two_spaces(path):
    """Create a store with 3,000 vectors in three segments, and another space with 1,500."""
    for first, last in ((0, 2048), (2048, 2748), (2748, 3000)):
        append_numbers(path, first, last)
    append_numbers(path, 0, 1500, fingerprint="b" * 32, dim=8)


def keys_of(path):
    """Return the keys of all values."""
    with EmbeddingStore(path)._environment.reading() as transaction:
        return [bytes(key) for key in transaction.cursor().iternext(values=False)]


def flip_value(path, key, bit=100):
    """Flip one bit of a value, which may be one of its checksum if `bit` is negative."""
    with EmbeddingStore(path)._environment.reading() as transaction:
        old = bytes(transaction.get(key))
    new = bytearray(old)
    new[bit // 8] ^= 1 << bit % 8
    replace_bytes(path, old, bytes(new))


def flip_key(path, key, bit):
    """Flip one bit of a key."""
    new = bytearray(key)
    new[bit // 8] ^= 1 << bit % 8
    replace_bytes(path, key, bytes(new))
