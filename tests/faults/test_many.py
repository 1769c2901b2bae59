"""Many processes at once, some of which are killed: no deadlock, nothing lost, nothing wrong."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest

from embedcache import EmbeddingStore, StoreError, encode_sentences, sentence_ids
from segclf.workspace.runs import list_runs
from segclf.workspace.workspace import Workspace
from tests.conftest import HashEncoder
from tests.faults.children import (
    CRASHED,
    HANG,
    HUNG,
    LOST,
    RIGHT,
    WRONG,
    LostError,
    Outcome,
    WrongError,
)
from tests.faults.children import run_in_child as in_child
from tests.faults.tally import Tally, counts
from tests.segclf.experiments.corpora import embed_hashes

SENTENCES = [f"{number} 番目の文である。" for number in range(400)]
TRIALS = 'grid = [{ head = "mlp", window = 1, seed = [0, 1, 2, 3, 4, 5], epochs = 2 }]'
MOST_READERS = 1024  # slots in the lock file of LMDB


class SlowEncoder(HashEncoder):
    """A slow encoder, so that writers overlap in time; it logs what it encodes."""

    batch_tokens = 400

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log

    def encode(self, sentences):
        time.sleep(0.01)
        with self._log.open("a") as file:
            file.write("".join(f"{sentence}\n" for sentence in sentences))
        return super().encode(sentences)


def write(folder: Path, number: int) -> None:
    """Encode half of the sentences, which overlaps those of the other writers."""
    start = number * 100 % len(SENTENCES)
    mine = (SENTENCES + SENTENCES)[start : start + 200]
    encode_sentences(mine, SlowEncoder(folder / f"log-{number}"), EmbeddingStore(folder / "store"))


def read(folder: Path, number: int) -> None:
    """Read vectors that exist and check them, until the process is killed."""
    rng = random.Random(number)
    encoder = HashEncoder()
    while True:
        try:
            space = EmbeddingStore(folder / "store", create=False).space(encoder.fingerprint)
        except StoreError:  # no writer has created it yet
            continue
        some = rng.sample(SENTENCES, 20)
        with space._environment.reading():
            time.sleep(rng.random() / 100)
        found = space.contains(sentence_ids(some))
        present = [sentence for sentence, has in zip(some, found, strict=True) if has]
        vectors = space.vectors(sentence_ids(present))
        if not np.array_equal(vectors, encoder.encode(present).reshape(vectors.shape)):
            (folder / "wrong").touch()


def check(folder: Path, writers: int) -> None:
    encoder = HashEncoder()
    store = EmbeddingStore(folder / "store", create=False)
    space = store.space(encoder.fingerprint)
    if not space.contains(sentence_ids(SENTENCES)).all():
        raise LostError("sentences")
    if not np.array_equal(space.vectors(sentence_ids(SENTENCES)), encoder.encode(SENTENCES)):
        raise WrongError("vectors")
    if (folder / "wrong").exists():
        raise WrongError("a reader")
    logs = [(folder / f"log-{number}") for number in range(writers)]
    lines = Counter(line for log in logs if log.exists() for line in log.read_text().split("\n"))
    del lines[""]
    if max(lines.values()) > 2:
        raise WrongError(f"encoded {max(lines.values())} times")
    if (readers := store._environment._handle.lmdb.info()["num_readers"]) > MOST_READERS / 2:
        raise LostError(f"{readers} slots of readers")


def run_once(folder: Path, writers: int, methods: list[str], rng: random.Random) -> Outcome:
    folder.mkdir()

    def start(action, number: int) -> BaseProcess:
        context = multiprocessing.get_context(methods[number % len(methods)])
        process = context.Process(target=action, args=(folder, number))
        process.start()
        return process

    reading = [start(read, number) for number in range(writers)]
    writing = [start(write, number) for number in range(writers)]
    deadline = time.monotonic() + HANG
    while any(process.is_alive() for process in writing) and time.monotonic() < deadline:
        time.sleep(rng.random() / 5)
        victim = rng.randrange(writers)  # another reader takes its place
        os.kill(reading[victim].pid, signal.SIGKILL)
        reading[victim].join()
        reading[victim] = start(read, victim)
    codes = [process.exitcode for process in writing]
    for process in [*reading, *writing]:
        process.kill()
        process.join()
    if None in codes:
        return HUNG, ""
    if any(codes):
        return (CRASHED if min(codes) < 0 else LOST), f"exit codes of writers: {codes}"
    return in_child(lambda: check(folder, writers))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")
@counts(1, "ROUNDS", 20)
def test_parallel_writers_lose_nothing_while_readers_are_killed(
    tmp_path: Path, tally: Tally, count: int
):
    """Eight writers and eight readers, half forked and half spawned; fewer in the short form."""
    writers, methods = (4, ["fork"]) if count == 1 else (8, ["fork", "spawn"])
    rng = random.Random(count)
    outcomes = [run_once(tmp_path / str(number), writers, methods, rng) for number in range(count)]
    tally.check("8 writers beside 8 readers that are killed, forked and spawned", outcomes)
    assert all(outcome == RIGHT for outcome, _ in outcomes)


def sweep_twice(folder: Path) -> Outcome:
    """Run two sweeps of the same trials at once, each on two processes."""
    folder.mkdir()
    workspace = Workspace(folder / ".segtool")
    embed_hashes(workspace)
    (folder / "trials.toml").write_text(TRIALS)
    segtool = str(Path(sys.executable).parent / "segtool")
    command = [segtool, "sweep", "trials.toml", "--jobs", "2", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    pair = [
        subprocess.Popen(command, cwd=folder, text=True, start_new_session=True, **pipes)
        for _ in range(2)
    ]
    trained = 0
    for process in pair:
        try:
            output, errors = process.communicate(timeout=HANG)
        except subprocess.TimeoutExpired:
            for each in pair:
                os.killpg(each.pid, signal.SIGKILL)
            return HUNG, ""
        if process.returncode:
            return (CRASHED if process.returncode < 0 else LOST), errors
        trained += json.loads(output)["done_now"]
    if trained != 6 or len(list_runs(workspace)) != 6:
        return WRONG, f"{trained} trained, {len(list_runs(workspace))} runs"
    return RIGHT, ""


@pytest.mark.faults
def test_two_sweeps_train_each_trial_once(tmp_path: Path, tally: Tally):
    """A short form is in `tests/segclf/experiments/test_sweep_processes.py`."""
    rounds = int(os.environ.get("ROUNDS", 20))
    tally.check("2 sweeps at once", [sweep_twice(tmp_path / str(n)) for n in range(rounds)])
