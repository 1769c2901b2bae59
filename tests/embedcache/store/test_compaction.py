"""Compacting a store loses nothing, even if it is in use or a process is killed."""

import os
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from embedcache import EmbeddingStore, StoreError
from embedcache.store.compaction import compact
from tests.conftest import ROOT
from tests.embedcache.store.stores import (
    FINGERPRINT,
    check_numbers,
    ids_of,
    make_store,
    numbered,
    wait_for_line,
)

APPEND = """
import sys
from pathlib import Path
from embedcache import EmbeddingStore
from tests.embedcache.store.stores import FINGERPRINT, ids_of, numbered
space = EmbeddingStore(sys.argv[1]).space(FINGERPRINT)
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    assert space.append(ids_of(number), numbered(number, number + 1)) == 1
    print(number, flush=True)
"""
COMPACT_FOREVER = """
import sys
from pathlib import Path
from embedcache.store.compaction import compact
while True:
    compact(Path(sys.argv[1]))
    print("compacted", flush=True)
"""
DIE_BEFORE_THE_NEW_FILE_IS_IN_PLACE = """
import os, signal, sys
from pathlib import Path
from embedcache.store import replacement
from embedcache.store.compaction import compact
def publish(content, path):
    os.kill(os.getpid(), signal.SIGKILL) if path.name == "data.mdb" else os.replace(content, path)
replacement.publish = publish
compact(Path(sys.argv[1]))
"""


def make_store_with_free_pages(path):
    make_store(path, 50)
    space = EmbeddingStore(path).create_space("b" * 32, name="y", dim=256)
    for start in range(0, 1000, 100):  # each commit rewrites the last block
        space.append(ids_of(*range(start, start + 100)), numbered(start, start + 100, 256))


def python(script, *arguments, **options):
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, **options)


def test_a_compacted_store_is_smaller_and_has_the_same_vectors(tmp_path):
    make_store_with_free_pages(tmp_path)
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    before, after = compact(tmp_path)
    assert after == (tmp_path / "data.mdb").stat().st_size
    assert 1000 * 256 * 4 < after < before / 2
    assert len(space) == 50  # this process uses the new file
    assert space.append(ids_of(50), numbered(50, 51)) == 1
    check_numbers(tmp_path, [*range(51)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["commits", "data.mdb", "lock.mdb"]


def test_an_object_and_a_fork_from_before_use_the_new_file(tmp_path):
    make_store_with_free_pages(tmp_path)
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    with python(COMPACT_FOREVER, tmp_path) as compacting:
        wait_for_line(compacting)
        compacting.kill()
    again = EmbeddingStore(tmp_path).space(FINGERPRINT)  # one handle per process
    assert again._environment is space._environment
    assert space.append(ids_of(50), numbered(50, 51)) == 1
    if not hasattr(os, "fork"):
        return
    reader, writer = os.pipe()
    if not (pid := os.fork()):
        os.read(reader, 1)  # until the parent has compacted the store
        os._exit(0 if space.append(ids_of(51), numbered(51, 52)) == 1 and len(space) == 52 else 1)
    compact(tmp_path)
    os.write(writer, b"x")
    assert os.waitpid(pid, 0)[1] == 0
    check_numbers(tmp_path, [*range(52)])


def test_commits_of_other_processes_and_threads_are_never_lost(tmp_path):
    make_store(tmp_path, 50)
    done = threading.Event()
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)

    def read():
        while not done.is_set():
            count = len(space)
            assert np.array_equal(space.vectors(ids_of(*range(50)))[:, 0], np.arange(50))
            assert count <= len(space)

    writers = [python(APPEND, tmp_path, 1000 * n, 1000 * n + 150) for n in (1, 2)]
    compactions = 0
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            while any(writer.poll() is None for writer in writers):
                compact(tmp_path)
                compactions += 1
        finally:
            done.set()
        reader.result()
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert compactions > 1
    numbers = [*range(50), *range(1000, 1150), *range(2000, 2150)]
    assert len(space) == len(numbers)
    check_numbers(tmp_path, numbers)


def test_killed_compactions_leave_a_store_with_all_commits(tmp_path):
    make_store_with_free_pages(tmp_path)
    rng = random.Random(1)
    with python(APPEND, tmp_path, 1000, 100_000) as writer:
        for _ in range(4):
            with python(COMPACT_FOREVER, tmp_path) as compacting:
                for _ in range(rng.randrange(1, 5)):
                    wait_for_line(compacting)
                compacting.kill()
            committed = int(wait_for_line(writer))
            check_numbers(tmp_path, [*range(50), committed])
        writer.kill()
        committed = int((writer.stdout.read().split() or [committed])[-1])
    check_numbers(tmp_path, [*range(50), *range(1000, committed + 1)])
    compact(tmp_path)  # removes what the killed ones have left
    assert sorted(path.name for path in tmp_path.iterdir()) == ["commits", "data.mdb", "lock.mdb"]


def test_a_kill_between_replacing_the_lock_file_and_the_data_loses_nothing(tmp_path):
    make_store(tmp_path, 50)
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    with python(APPEND, tmp_path, 100, 100_000) as writer:
        wait_for_line(writer)
        identity = os.stat(tmp_path / "data.mdb").st_ino
        with python(DIE_BEFORE_THE_NEW_FILE_IS_IN_PLACE, tmp_path) as killed:
            assert killed.wait() == -9
        assert os.stat(tmp_path / "data.mdb").st_ino == identity
        for number in range(50, 80):  # both processes write, with the new lock file
            committed = int(wait_for_line(writer))
            assert space.append(ids_of(number), numbered(number, number + 1)) == 1
        writer.kill()
        committed = int((writer.stdout.read().split() or [committed])[-1])
    check_numbers(tmp_path, [*range(80), *range(100, committed + 1)])


def test_a_reader_whose_lock_file_was_lost_never_returns_an_overwritten_snapshot(tmp_path):
    make_store(tmp_path, 50)
    environment = EmbeddingStore(tmp_path)._environment

    def read_slowly():
        with environment.reading():
            with python(DIE_BEFORE_THE_NEW_FILE_IS_IN_PLACE, tmp_path) as killed:
                assert killed.wait() == -9
            with python(APPEND, tmp_path, 100, 105) as writer:
                assert writer.wait() == 0

    with pytest.raises(StoreError, match="was written while it was read"):
        read_slowly()
    check_numbers(tmp_path, [*range(50), *range(100, 105)])


@pytest.mark.skipif(os.name != "posix", reason="the test needs POSIX permissions")
def test_the_files_keep_their_permissions_and_owner(tmp_path):
    make_store(tmp_path, 50)
    files = [tmp_path / "data.mdb", tmp_path / "lock.mdb"]
    for file, mode in zip(files, (0o664, 0o660), strict=True):
        file.chmod(mode)
        if os.geteuid() == 0:
            os.chown(file, 65534, 65534)

    def rights():
        return [(file.stat().st_mode, file.stat().st_uid, file.stat().st_gid) for file in files]

    before = rights()
    compact(tmp_path)
    assert rights() == before
    check_numbers(tmp_path, [0, 49])


def test_a_reader_keeps_its_snapshot_of_the_old_file(tmp_path):
    make_store(tmp_path, 50)
    store = EmbeddingStore(tmp_path)
    with store._environment.reading() as transaction:
        before = [(bytes(key), bytes(value)) for key, value in transaction.cursor()]
        with python(COMPACT_FOREVER, tmp_path) as compacting:
            wait_for_line(compacting)
            compacting.kill()
        with python(APPEND, tmp_path, 100, 110) as writer:
            assert writer.wait() == 0
        assert [(bytes(key), bytes(value)) for key, value in transaction.cursor()] == before
    check_numbers(tmp_path, [*range(50), *range(100, 110)])
