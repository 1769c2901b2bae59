"""Actors, nodes and drivers are killed while they work: nothing is lost, and little is repeated."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from embedcache import EmbeddingStore, encode_sentences, sentence_ids
from tests.conftest import HANG, ROOT, HashEncoder
from tests.ray.driver import SIZES

SENTENCES = [f"文{number}。" for number in range(1000)]


@pytest.fixture
def folder(tmp_path):
    """A folder with texts of 1,000 sentences, each of which occurs in two files."""
    (tmp_path / "texts").mkdir()
    order = np.random.default_rng(0).permutation(SENTENCES * 2)
    for number, lines in enumerate(np.array_split(order, 7)):
        (tmp_path / f"texts/{number}.txt").write_text("\n".join(lines))
    return tmp_path


def start(folder, address, workers=2):
    command = [sys.executable, "-m", "tests.ray.driver", str(folder), address, str(workers)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(driver):
    out, error = driver.communicate(timeout=HANG)
    assert driver.returncode == 0, error
    assert int(out) == len(SENTENCES)


def hold(folder, after):
    """Make workers wait after more than `after` shards have been encoded."""
    (folder / "hold").write_text(str(after))


def wait_for_holders(folder, count):
    """Return the ids of the processes that wait."""
    deadline = time.monotonic() + HANG
    while len(found := list(folder.glob("holding-*"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return [int(path.name.partition("-")[2]) for path in found]


def release(folder):
    (folder / "hold").unlink()


def check(folder, repeated_shards):
    """Check the store, and that at most `repeated_shards` shards were encoded twice."""
    store = EmbeddingStore(folder / "store")
    alone = EmbeddingStore(folder / "alone")
    encode_sentences(SENTENCES, HashEncoder(), alone)
    ids = sentence_ids(SENTENCES)
    fingerprint = HashEncoder().fingerprint
    assert np.array_equal(store.vectors(fingerprint, ids), alone.vectors(fingerprint, ids))
    assert store.space(fingerprint).info().rows == len(SENTENCES)
    encoded = [path.read_text().splitlines() for path in (folder / "log").iterdir()]
    assert {line for lines in encoded for line in lines} == set(SENTENCES)
    assert sum(map(len, encoded)) - len(SENTENCES) <= repeated_shards * SIZES.shard_rows
    shards = {tuple(sorted(lines)) for lines in encoded}
    assert len(encoded) - len(shards) <= repeated_shards  # nothing but whole shards is repeated
    assert sum(map(len, shards)) == len(SENTENCES)


def test_without_a_fault_nothing_is_encoded_twice(folder, two_nodes):
    finish(start(folder, two_nodes.address))
    check(folder, 0)


def test_a_killed_worker_is_replaced(folder, two_nodes):
    hold(folder, 4)
    driver = start(folder, two_nodes.address)
    os.kill(wait_for_holders(folder, 2)[0], signal.SIGKILL)
    release(folder)
    finish(driver)
    check(folder, 1)


def test_the_other_node_finishes_the_work_of_a_killed_one(folder, two_nodes):
    hold(folder, 4)
    driver = start(folder, two_nodes.address)
    wait_for_holders(folder, 2)
    two_nodes.remove_node(two_nodes.second, allow_graceful=False)
    release(folder)
    finish(driver)
    check(folder, 1)


def test_a_killed_driver_continues_when_it_is_started_again(folder, two_nodes):
    hold(folder, 4)
    driver = start(folder, two_nodes.address)
    workers = wait_for_holders(folder, 2)
    driver.kill()
    driver.communicate()
    wait_until_dead(workers)
    release(folder)
    finish(start(folder, two_nodes.address))
    check(folder, 2)  # one for each worker that died with the driver


def wait_until_dead(processes):
    deadline = time.monotonic() + HANG
    while any(os.path.exists(f"/proc/{process}") for process in processes):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_local_cluster_dies_with_its_driver(folder):
    hold(folder, 0)
    driver = start(folder, "local", workers=1)
    workers = wait_for_holders(folder, 1)
    driver.kill()
    driver.communicate()
    wait_until_dead(workers)
    release(folder)
    finish(start(folder, "local", workers=1))
    check(folder, 1)


def test_a_shard_whose_workers_always_die_ends_the_job(folder, two_nodes):
    hold(folder, 0)
    driver = start(folder, two_nodes.address, workers=1)
    killed = set()
    while driver.poll() is None and len(killed) < 10:
        for process in set(wait_for_holders(folder, 1)) - killed:
            os.kill(process, signal.SIGKILL)
            killed.add(process)
        time.sleep(0.05)
    assert "died 4 times, perhaps because the memory was full" in driver.communicate()[1]
    assert len(killed) == 4
