"""One store in several processes: forks, dead readers, read-only folders."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader, Dataset

from embedcache import EmbeddingStore, StoreError
from tests.conftest import HANG, ROOT
from tests.embedcache.store.stores import FINGERPRINT, ids_of, make_store, numbered

forks = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
)
MORE_THAN_READERS = 1100  # LMDB's table holds 1,024


class Vectors(Dataset):
    def __init__(self, space):
        self.space = space

    def __len__(self):
        return MORE_THAN_READERS

    def __getitem__(self, number):
        return self.space.vectors(ids_of(number % 50))


@forks
def test_workers_of_a_data_loader_read_the_store_of_their_parent(tmp_path):
    make_store(tmp_path, 50)
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    assert space.contains(ids_of(1)).all()
    loader = DataLoader(
        Vectors(space), batch_size=100, num_workers=2, multiprocessing_context="fork"
    )
    read = np.concatenate([batch.numpy() for batch in loader])[:, 0]
    assert np.array_equal(read[:, 0], np.arange(MORE_THAN_READERS) % 50)
    assert len(space) == 50


FORK_WHILE_THREADS_READ = """
import os, sys, threading
import numpy as np
from embedcache import EmbeddingStore
from tests.embedcache.store.stores import FINGERPRINT, ids_of, numbered
space = EmbeddingStore(sys.argv[1]).space(FINGERPRINT)
done = threading.Event()
def read():
    while not done.is_set():
        assert (space.vectors(ids_of(*range(40)))[:, 0] == np.arange(40)).all()
def write():
    number = 1000
    while not done.is_set():
        space.append(ids_of(number), numbered(number, number + 1))
        number += 1
threads = [threading.Thread(target=target) for target in (read, read, write)]
for thread in threads:
    thread.start()
for child in range(20):
    pid = os.fork()
    if not pid:
        try:
            right = (space.vectors(ids_of(*range(40)))[:, 0] == np.arange(40)).all()
            space.append(ids_of(5000 + child), numbered(5000 + child, 5001 + child))
            os._exit(0 if right else 1)
        finally:
            os._exit(2)
    assert os.waitpid(pid, 0)[1] == 0
done.set()
for thread in threads:
    thread.join()
numbers = [*range(5000, 5020), 1000]
assert (space.vectors(ids_of(*numbers))[:, 0] == numbers).all()
"""


@forks
def test_a_process_may_fork_while_its_threads_read_and_write(tmp_path):
    make_store(tmp_path, 50)
    command = [sys.executable, "-W", "ignore", "-c", FORK_WHILE_THREADS_READ, str(tmp_path)]
    subprocess.run(command, check=True, timeout=HANG, cwd=ROOT)


@forks
def test_a_fork_whose_store_was_deleted_raises_an_error(tmp_path):
    path = tmp_path / "s"
    make_store(path, 5)
    space = EmbeddingStore(path).space(FINGERPRINT)
    reader, writer = os.pipe()
    (path / "data.mdb").unlink()
    if not (pid := os.fork()):
        try:
            len(space)
        except StoreError as error:
            os.write(writer, str(error).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert b"was moved or deleted" in os.read(reader, 1000)


HOLD_ALL_SLOTS = """
import sys
from embedcache import EmbeddingStore
environment = EmbeddingStore(sys.argv[1])._environment
slots = []
try:
    while True:
        transaction = environment.reading()
        transaction.__enter__()
        slots.append(transaction)
except Exception:
    print(len(slots), flush=True)
sys.stdin.read()
"""


def test_too_many_readers_are_an_error_and_dead_ones_are_removed(tmp_path):
    make_store(tmp_path, 5)
    space = EmbeddingStore(tmp_path).space(FINGERPRINT)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_ALL_SLOTS, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as greedy:
        assert int(greedy.stdout.readline()) >= 1000
        with pytest.raises(StoreError, match=r"the maximum number of readers \(1,024\)"):
            len(space)
        greedy.kill()
    assert len(space) == 5


AS_NOBODY = """
import os, sys
import numpy as np
from pathlib import Path
from embedcache import EmbeddingStore, StoreError
from tests.embedcache.store.stores import FINGERPRINT, ids_of, numbered, check_numbers
if os.geteuid() == 0 and "--drop" in sys.argv:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
path = Path(sys.argv[1])
"""
READ_AND_TRY_TO_WRITE = """
check_numbers(path, [0, 4])
store = EmbeddingStore(path)
space = store.create_space(FINGERPRINT, name="x", dim=4)
for write in (
    lambda: space.append(ids_of(9), numbered(9, 10)),
    lambda: store.create_space("b" * 32, name="y", dim=4),
    space.check_writable,
    store.upgrade,
    lambda: EmbeddingStore(path / "new"),
):
    try:
        write()
    except StoreError as error:
        print(error)
"""


@pytest.fixture
def open_folder():
    """A folder that every user may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def forbid_writing(path):
    for file in path.iterdir():
        file.chmod(0o444)
    path.chmod(0o555)


def check_refusals(done):
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 5
    refusal = "cannot be written: its folder or file system is read-only"
    assert all(refusal in line for line in lines[:4])
    assert "cannot be created" in lines[4]


@pytest.mark.skipif(os.name != "posix", reason="the test needs POSIX permissions")
@pytest.mark.parametrize("lock", ["readable", "missing", "writable"])
def test_a_store_in_a_read_only_folder_can_be_read(open_folder, lock):
    path = open_folder / "s"
    make_store(path, 5)
    if lock == "missing":
        (path / "lock.mdb").unlink()
    forbid_writing(path)
    if lock == "writable":
        (path / "lock.mdb").chmod(0o666)
    before = {file: file.stat().st_mtime_ns for file in path.iterdir() if file.name != "lock.mdb"}
    script = AS_NOBODY + READ_AND_TRY_TO_WRITE
    command = [sys.executable, "-c", script, str(path), "--drop"]
    check_refusals(subprocess.run(command, capture_output=True, text=True, cwd=ROOT))
    path.chmod(0o755)
    after = {file: file.stat().st_mtime_ns for file in path.iterdir() if file.name != "lock.mdb"}
    assert after == before


def test_a_store_on_a_read_only_file_system_can_be_read(tmp_path):
    path = tmp_path / "s"
    make_store(path, 5)
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" || exit 77; exec "$@"'
    script = AS_NOBODY + READ_AND_TRY_TO_WRITE
    python = [sys.executable, "-c", script, str(path)]
    command = ["unshare", "-m", "sh", "-c", mount, str(path), *python]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    except FileNotFoundError:
        pytest.skip("unshare is not installed")
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this user cannot mount")
    check_refusals(done)


READ_SLOWLY = """
environment = EmbeddingStore(path)._environment
try:
    with environment.reading() as transaction:
        print("reading", flush=True)
        sys.stdin.readline()
except StoreError as error:
    print(error)
check_numbers(path, [0, 4])
"""


@pytest.mark.skipif(os.name != "posix", reason="the test needs POSIX permissions")
def test_a_snapshot_overwritten_under_a_reader_without_lock_is_an_error(open_folder):
    path = open_folder / "s"
    make_store(path, 5)
    if os.geteuid() != 0:
        pytest.skip("only root can start the reader as another user")
    command = [sys.executable, "-c", AS_NOBODY + READ_SLOWLY, str(path), "--drop"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as reader:
        assert reader.stdout.readline() == "reading\n"
        space = EmbeddingStore(path).space(FINGERPRINT)
        for number in range(10, 14):
            space.append(ids_of(number), numbered(number, number + 1))
        output, _ = reader.communicate("\n", timeout=HANG)
    assert reader.returncode == 0
    assert "was written while it was read without its lock file: try again" in output


def test_threads_of_a_process_share_one_handle(tmp_path):
    make_store(tmp_path, 5)
    stores = []
    threads = [
        threading.Thread(target=lambda: stores.append(EmbeddingStore(tmp_path))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(store._environment) for store in stores}) == 1
