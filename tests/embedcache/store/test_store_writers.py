"""Writers of a store beside its readers and other writers, in threads and processes."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from embedcache import EmbeddingStore
from tests.embedcache.store.stores import ids_of

WRITER = """
import sys, numpy as np
from embedcache import EmbeddingStore, sentence_ids
space = EmbeddingStore(sys.argv[1]).create_space("a" * 32, name="x", dim=256)
start = len(space)
for batch in range(start // 500, start // 500 + int(sys.argv[2])):
    numbers = range(batch * 500, batch * 500 + 500)
    vectors = np.repeat(np.arange(numbers[0], numbers[-1] + 1, dtype=np.float32)[:, None], 256, 1)
    space.append(sentence_ids(map(str, numbers)), vectors)
    print(batch, flush=True)
"""


def test_readers_work_while_another_process_writes(tmp_path):
    store = EmbeddingStore(tmp_path / "s")
    space = store.create_space("a" * 32, name="x", dim=256)
    command = [sys.executable, "-c", WRITER, str(tmp_path / "s"), "300"]  # 150 MB: the map grows
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        for batch in writer.stdout:  # it is committed, and the writer continues
            count = len(space)
            assert count >= 500 * (int(batch) + 1)
            assert count % 500 == 0  # complete batches only
            last = space.vectors(ids_of(count - 1))
            assert (last == count - 1).all()
    assert writer.returncode == 0
    assert len(space) == 150_000


def test_threads_read_while_one_writes_and_the_map_grows(store):
    space = store.create_space("a" * 32, name="x", dim=1024)
    done = threading.Event()

    def read():
        while not done.is_set():
            count = len(space)
            if count:
                numbers = np.random.default_rng(count).integers(0, count, 50)
                assert np.array_equal(space.vectors(ids_of(*numbers))[:, 0], numbers)

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            for start in range(0, 40_000, 2000):  # 160 MB; the initial map is 64 MB
                numbers = range(start, start + 2000)
                vectors = np.repeat(np.array(numbers, dtype=np.float32)[:, None], 1024, axis=1)
                space.append(ids_of(*numbers), vectors)
        finally:
            done.set()
        for reader in readers:
            reader.result()
    assert len(space) == 40_000


@pytest.mark.parametrize("kill_after", [1, 7, 30])
def test_a_killed_writer_leaves_complete_batches(tmp_path, kill_after):
    path = tmp_path / "s"
    command = [sys.executable, "-c", WRITER, str(path), "1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        for _ in range(kill_after):
            writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
    space = EmbeddingStore(path, create=False).space("a" * 32)
    count = len(space)
    assert count >= kill_after * 500
    assert count % 500 == 0
    read = space.vectors(ids_of(*range(count)))
    assert np.array_equal(read, np.repeat(np.arange(count, dtype=np.float32)[:, None], 256, 1))


def test_writers_take_turns(tmp_path):
    EmbeddingStore(tmp_path / "s").create_space("a" * 32, name="x", dim=256)
    command = [sys.executable, "-c", WRITER, str(tmp_path / "s"), "40"]
    writers = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    space = EmbeddingStore(tmp_path / "s").space("a" * 32)
    count = len(space)
    assert count >= 40 * 500
    read = space.vectors(ids_of(*range(count)))
    assert np.array_equal(read[:, 0], np.arange(count))
