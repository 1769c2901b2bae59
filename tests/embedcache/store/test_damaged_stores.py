"""Damage is always an error: it never leads to wrong vectors and never becomes valid."""

import random
import struct
import subprocess
import sys

import lmdb
import pytest

from embedcache import EmbeddingStore, StoreError
from embedcache.store.opening import check_pages
from tests.embedcache.store.stores import (
    FINGERPRINT,
    check_numbers,
    ids_of,
    make_store,
    numbered,
    replace_bytes,
    rows,
)


def block_key(number, space=0):
    return b"v" + struct.pack(">IQ", space, number)


@pytest.mark.parametrize("create", [True, False])
def test_a_store_with_a_damaged_header_is_refused_and_not_changed(tmp_path, create):
    make_store(tmp_path, 3)
    replace_bytes(tmp_path, b'format{"format"', b'fosmat{"format"')
    before = (tmp_path / "data.mdb").read_bytes()
    with pytest.raises(StoreError, match="damaged at b'format'"):
        EmbeddingStore(tmp_path, create=create)
    assert (tmp_path / "data.mdb").read_bytes() == before
    replace_bytes(tmp_path, b'fosmat{"format"', b'format{"format"')
    check_numbers(tmp_path, [0, 1, 2])


def test_opening_an_environment_without_commits_writes_only_if_it_may_create(tmp_path):
    lmdb.open(str(tmp_path)).close()
    before = (tmp_path / "data.mdb").read_bytes()
    with pytest.raises(StoreError, match="no embedding store"):
        EmbeddingStore(tmp_path, create=False)
    assert (tmp_path / "data.mdb").read_bytes() == before
    make_store(tmp_path, 3)
    check_numbers(tmp_path, [2])


def test_an_empty_file_is_not_a_store(tmp_path):
    (tmp_path / "data.mdb").touch()
    with pytest.raises(StoreError, match="no embedding store"):
        EmbeddingStore(tmp_path, create=False)
    assert (tmp_path / "data.mdb").stat().st_size == 0


@pytest.mark.parametrize(("block", "flipped"), [(2, 3), (3, 2), (1, 3), (0, 1), (0, 2), (1, 65)])
def test_a_flipped_bit_of_a_key_never_returns_another_block(tmp_path, block, flipped):
    make_store(tmp_path, 4 * 1024)
    replace_bytes(tmp_path, block_key(block), block_key(flipped))
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    errors = 0
    for number in range(4):
        try:
            read = space.vectors(ids_of(number * 1024 + 7))
        except StoreError:
            errors += 1
        else:
            assert read[0, 0] == number * 1024 + 7
    assert errors


def test_a_value_with_the_key_of_another_space_is_refused(store):
    for letter, seed in (("a", 1), ("b", 2)):
        space = store.create_space(letter * 32, name=letter, dim=4)
        space.append(ids_of(1, 2), rows(2, seed=seed))
    environment = store._environment
    environment.write(lambda t: t.put(block_key(0, 1), bytes(t.get(block_key(0, 0)))), 0)
    with pytest.raises(StoreError, match="damaged"):
        store.space("b" * 32).vectors(ids_of(1))


@pytest.mark.parametrize("damaged", [b"spabe/" + b"a" * 32, b"space/" + b"a" * 31 + b"\xe1"])
def test_a_store_with_the_damaged_key_of_a_space_is_not_written(tmp_path, damaged):
    store = EmbeddingStore(tmp_path)
    for letter in "ab":
        store.create_space(letter * 32, name=letter, dim=4).append(ids_of(1), rows(1))
    replace_bytes(tmp_path, b"space/" + b"a" * 32, damaged)
    for letter in "ac":  # otherwise, all sentences of space a would be encoded again
        with pytest.raises(StoreError, match=r"damaged at b'spa.e/"):
            store.create_space(letter * 32, name=letter, dim=4)
    with pytest.raises(StoreError, match=r"damaged at b'spa.e/"):
        store.spaces()


def damage_numbers(path, number):
    vector = numbered(number, number + 1).tobytes()
    replace_bytes(path, vector, vector[:-1] + b"\x01")


def test_a_damaged_block_does_not_get_a_valid_checksum(tmp_path):
    make_store(tmp_path, 1500)
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    space.vectors(ids_of(*range(1500)))  # this process has verified all blocks
    damage_numbers(tmp_path, 1400)
    with pytest.raises(StoreError, match="damaged"):
        space.append(ids_of(5000), numbered(5000, 5001))
    assert len(space) == 1500
    assert not space.contains(ids_of(5000)).any()
    del space
    with pytest.raises(StoreError, match="damaged"):
        check_numbers(tmp_path, [1400])


def test_a_damaged_segment_does_not_get_a_valid_checksum(tmp_path):
    make_store(tmp_path, 10)
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    assert space.contains(ids_of(*range(10))).all()
    high = ids_of(3)[0, :1].tobytes()
    replace_bytes(tmp_path, high, bytes([high[0] ^ 1]) + high[1:])
    with pytest.raises(StoreError, match="damaged"):
        space.append(ids_of(*range(100, 120)), numbered(100, 120))
    assert len(space) == 10


def test_a_damaged_description_does_not_get_a_valid_checksum(tmp_path):
    make_store(tmp_path, 10)
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    assert space.info().name == "x"
    replace_bytes(tmp_path, b'"name": "x"', b'"name": "y"')
    with pytest.raises(StoreError, match="damaged"):
        space.append(ids_of(100), numbered(100, 101))
    del space
    with pytest.raises(StoreError, match="damaged"):
        EmbeddingStore(tmp_path).spaces()


OPEN_AND_READ = """
import sys
from pathlib import Path
from embedcache import StoreError
from tests.embedcache.store.stores import check_numbers
try:
    check_numbers(Path(sys.argv[1]), [0, 1500, 2999])
except StoreError as error:
    print(error)
"""


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_an_error_and_not_a_crash(tmp_path, share):
    make_store(tmp_path, 3000)
    size = (tmp_path / "data.mdb").stat().st_size
    with (tmp_path / "data.mdb").open("r+b") as file:
        file.truncate(int(share * size) // 4096 * 4096)
    command = [sys.executable, "-c", OPEN_AND_READ, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "damaged" in done.stdout or "cannot be used" in done.stdout


def leave_pages_unwritten(path, seed):
    """Write and delete until the file ends before its last page; return whether it does."""
    rng = random.Random(seed)
    with lmdb.open(str(path), map_size=1 << 26, sync=False) as environment:
        for _ in range(100):
            with environment.begin(write=True) as transaction:
                for _ in range(rng.choice([1, 5, 50])):
                    key = b"vz%d" % rng.randrange(300)
                    if rng.random() < 0.5:
                        transaction.delete(key)
                    else:
                        transaction.put(key, bytes(rng.choice([10, 500, 1500, 5000])))
            needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
            if (path / "data.mdb").stat().st_size < needed:
                return True
    return False


def test_a_file_without_its_unused_last_pages_is_complete(tmp_path):
    for seed in range(8, 100):  # 8 is the first seed for which LMDB 0.9.36 does so
        path = tmp_path / str(seed)
        make_store(path, 5)
        if leave_pages_unwritten(path, seed):
            break
    else:
        pytest.fail("LMDB left no file short")
    check_numbers(path, [0, 4])


@pytest.mark.skipif(sys.platform == "win32", reason="the test needs a shell")
@pytest.mark.parametrize(
    ("ending", "message"),
    [
        ("echo lmdb.Error: a >&2; echo 'OSError: no memory' >&2; exit 1", "checked: OSError: no m"),
        ("echo lmdb.CorruptedError: x >&2; exit 1", "is damaged: LMDB cannot read all of its page"),
        ("kill -9 $$", "s; replace it with a backup, or delete it and embed again$"),
    ],
)
def test_the_end_of_the_process_that_reads_all_pages_is_reported(
    tmp_path, monkeypatch, ending, message
):
    make_store(tmp_path / "s", 3)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{ending}\n")
    python.chmod(0o755)
    monkeypatch.setattr("embedcache.store.opening.sys.executable", str(python))
    with pytest.raises(StoreError, match=message):
        check_pages(tmp_path / "s")


UNREADABLE_PAGE = """\
#!{python}
import ctypes, mmap, sys
import lmdb
import numpy as np

real_open = lmdb.open

def open_with_unreadable_page(*arguments, **options):
    environment = real_open(*arguments, **options)
    with environment.begin(buffers=True) as transaction:
        largest = max((value for _, value in transaction.cursor()), key=len)
        assert len(largest) > 8 * mmap.PAGESIZE
        middle = np.frombuffer(largest, np.uint8).ctypes.data + len(largest) // 2
        page = ctypes.c_void_p(middle // mmap.PAGESIZE * mmap.PAGESIZE)
        assert ctypes.CDLL(None).mprotect(page, ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    return environment

lmdb.open = open_with_unreadable_page
program, sys.argv = sys.argv[2], sys.argv[2:]
exec(program)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the test needs mprotect")
def test_every_page_of_a_value_is_read(tmp_path, monkeypatch):
    make_store(tmp_path / "s", 1000, dim=64)
    check_pages(tmp_path / "s")
    python = tmp_path / "python"
    python.write_text(UNREADABLE_PAGE.format(python=sys.executable))
    python.chmod(0o755)
    monkeypatch.setattr("embedcache.store.opening.sys.executable", str(python))
    with pytest.raises(StoreError, match="is damaged: LMDB cannot read all of its pages"):
        check_pages(tmp_path / "s")


def test_the_record_of_verified_values_does_not_grow_with_the_commits(tmp_path):
    make_store(tmp_path, 0)
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    texts = EmbeddingStore(tmp_path).texts()
    for number in range(60):
        space.append(ids_of(number), numbered(number, number + 1))
        texts.add([str(number)])
        check_numbers(tmp_path, range(number + 1))
        assert texts.find(ids_of(number)) == [str(number)]
    assert len(space._environment.verified) < 20
