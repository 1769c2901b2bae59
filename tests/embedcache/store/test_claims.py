"""Claims of writers that work in parallel."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import numpy as np
import pytest

from embedcache import EmbeddingStore, StoreError, encode_sentences, sentence_ids
from embedcache import writer as writers_module
from embedcache.store.claims import Claims
from embedcache.terminal import progress_bar
from tests.conftest import ROOT, HashEncoder
from tests.embedcache.store.stores import ids_of

WRITER = """
import sys, time
from embedcache import EmbeddingStore, encode_sentences
from tests.hash_encoder import HashEncoder
path, first, last, log = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

class Logging(HashEncoder):
    batch_tokens = 60  # a few sentences, so that writers often compete

    def encode(self, sentences):
        with open(log, "a") as file:
            file.write("".join(f"{sentence}\\n" for sentence in sentences))
        if sys.argv[5:]:
            time.sleep(3600)
        return super().encode(sentences)

sys.stdin.read(1)
report = encode_sentences(map(str, range(first, last)), Logging(), EmbeddingStore(path))
assert report.unique == last - first, report
"""


def start_writers(tmp_path, parts):
    """Start a writer for each (number, first sentence, last sentence, arguments)."""
    EmbeddingStore(tmp_path / "s")
    writers = []
    for number, first, last, *arguments in parts:
        log = tmp_path / f"{number}.log"
        words = [*map(str, (tmp_path / "s", first, last, log)), *arguments]
        command = [sys.executable, "-c", WRITER, *words]
        writers.append(subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT))
    for writer in writers:  # start together, once all have loaded
        writer.stdin.write(b"x")
        writer.stdin.close()
    return writers


def count_encoded(tmp_path, numbers):
    """Count how often the writers with these numbers encoded each sentence."""
    logs = [tmp_path / f"{number}.log" for number in numbers]
    return Counter(line for log in logs if log.exists() for line in log.open())


def left_claims(path):
    return [file.name for file in (path / "claims").rglob("*.*") if file.is_file()]


def check_vectors(path, count):
    sentences = [*map(str, range(count))]
    space = EmbeddingStore(path).space(HashEncoder().fingerprint)
    assert len(space) == count
    assert np.array_equal(space.vectors(sentence_ids(sentences)), HashEncoder().encode(sentences))


def test_eight_writers_encode_each_sentence_once(tmp_path):
    whole, overlapping = (0, 3000), [(0, 2000), (1000, 3000), (500, 2500), (0, 10), (9, 99)]
    parts = [whole, whole, *overlapping, whole]
    writers = start_writers(tmp_path, [(number, *part) for number, part in enumerate(parts)])
    assert [writer.wait() for writer in writers] == [0] * 8
    encoded = count_encoded(tmp_path, range(8))
    assert len(encoded) == 3000
    assert set(encoded.values()) == {1}
    check_vectors(tmp_path / "s", 3000)
    assert left_claims(tmp_path / "s") == []


def test_the_claims_of_a_killed_writer_are_taken_over(tmp_path):
    path = tmp_path / "s"
    (hanging,) = start_writers(tmp_path, [(0, 0, 3000, "hang")])
    while not (tmp_path / "0.log").exists():
        time.sleep(0.01)
    (claimed,) = path.glob("claims/*/*.claimed")
    count = claimed.stat().st_size // 16
    assert 0 < count < 3000
    writers = start_writers(tmp_path, [(1, 0, 3000), (2, 0, 3000)])
    space = EmbeddingStore(path).space(HashEncoder().fingerprint)
    while len(space) < 3000 - count:  # the others encode the unclaimed sentences
        time.sleep(0.01)
    assert [writer.poll() for writer in writers] == [None, None]
    hanging.kill()
    assert [writer.wait() for writer in (hanging, *writers)] == [-signal.SIGKILL, 0, 0]
    encoded = count_encoded(tmp_path, [1, 2])
    assert len(encoded) == 3000
    assert set(encoded.values()) == {1}
    check_vectors(path, 3000)
    assert left_claims(path) == []


def test_a_writer_waits_for_sentences_that_another_has_claimed(store):
    theirs = Claims(store.path, HashEncoder().fingerprint)
    assert theirs.take(sentence_ids(["5", "7"])).all()
    encoder = HashEncoder()
    done = threading.Thread(target=encode_sentences, args=(map(str, range(10)), encoder, store))
    done.start()
    while len(encoder.encoded) < 8:
        time.sleep(0.001)
    assert sorted(encoder.encoded) == list("01234689")
    space = store.space(encoder.fingerprint)
    while len(space) < 8:  # it commits these before it waits
        time.sleep(0.001)
    space.append(sentence_ids(["5"]), HashEncoder().encode(["5"]))
    theirs.close()  # as if 7 had failed
    done.join()
    assert sorted(encoder.encoded) == list("012346789")
    assert len(space) == 10


def test_claims_end_with_ctrl_c_and_with_errors(store):
    class Failing(HashEncoder):
        batch_tokens = 1

        def encode(self, sentences):
            if sentences == ["7"]:
                assert left_claims(store.path)
                raise KeyboardInterrupt
            return super().encode(sentences)

    with pytest.raises(KeyboardInterrupt):
        encode_sentences(map(str, range(10)), Failing(), store)
    assert left_claims(store.path) == []


def test_a_store_with_all_vectors_is_not_changed(store, encoder):
    encode_sentences(["a", "b"], encoder, store)
    before = (store.path / "claims").stat().st_mtime_ns
    files = sorted(store.path.rglob("*"))
    encode_sentences(["a", "b"], encoder, store)
    assert sorted(store.path.rglob("*")) == files
    assert (store.path / "claims").stat().st_mtime_ns == before


def test_claims_of_different_spaces_are_independent(tmp_path):
    first, second = Claims(tmp_path, "a"), Claims(tmp_path, "b")
    assert first.take(ids_of(1, 2)).all()
    assert second.take(ids_of(1, 2)).all()
    third = Claims(tmp_path, "a")
    assert third.take(ids_of(0, 1, 2, 3)).tolist() == [True, False, False, True]
    assert first.take(ids_of(3, 4)).tolist() == [False, True]
    for claims in (first, second, third):
        claims.close()
    assert os.listdir(tmp_path / "claims" / "a") == ["turn"]


def test_a_writer_may_wait_for_any_length_of_time(store, encoder, monkeypatch):
    """The size of a claim depends on the speed of encoding, not on the time spent waiting."""
    other = Claims(store.path, encoder.fingerprint)
    store.create_space(encoder.fingerprint, name="hash", dim=encoder.dim)
    other.take(sentence_ids(["one"]))
    polls = []

    def wait(seconds):
        polls.append(seconds)
        if len(polls) == 2000:
            other.close()

    monkeypatch.setattr(writers_module.time, "sleep", wait)
    bar = progress_bar(0, "sentences", show=False)
    with writers_module.SpaceWriter(encoder, store, None, bar) as writer:
        writer.encode_missing(["one"], sentence_ids(["one"]))
        assert writer.encoded == 1
        assert writer._claimed_batches <= 2
    assert len(polls) == 2000


class TimedEncoder(HashEncoder):
    """Encodes one sentence at a time and advances a clock; the fourth sentence is slow."""

    batch_tokens = 1

    def __init__(self, store):
        super().__init__()
        self.store = store
        self.clock = 0.0
        self.free_for_others = []

    def encode(self, sentences):
        vectors = super().encode(sentences)
        self.clock += 2 * writers_module.COMMIT_SECONDS if len(self.encoded) == 4 else 0.01
        ids = sentence_ids(self.encoded)
        committed = self.store.space(self.fingerprint).contains(ids)
        others = Claims(self.store.path, self.fingerprint)
        self.free_for_others.append(bool((others.take(ids) & ~committed).any()))
        others.close()
        return vectors


def test_a_claim_lasts_until_its_vectors_are_committed(store, monkeypatch):
    encoder = TimedEncoder(store)
    monkeypatch.setattr(writers_module.time, "monotonic", lambda: encoder.clock)
    encode_sentences([f"sentence {number}" for number in range(30)], encoder, store)
    assert not any(encoder.free_for_others)


def test_files_of_a_writer_that_died_are_removed(store, encoder):
    folder = store.path / "claims" / encoder.fingerprint
    folder.mkdir(parents=True)
    (folder / "dead.alive").touch()  # it died before it claimed anything
    claims = Claims(store.path, encoder.fingerprint)
    assert claims.take(sentence_ids(["one"])).all()
    assert not (folder / "dead.alive").exists()
    claims.close()


def test_files_of_a_killed_writer_are_removed_even_if_nothing_is_missing(store):
    encode_sentences(["5"], HashEncoder(), store)
    (folder,) = (store.path / "claims").iterdir()
    (folder / "dead.alive").touch()  # no process holds its lock
    (folder / "dead.claimed").write_bytes(sentence_ids(["7"]).tobytes())
    encode_sentences(["5"], HashEncoder(), store)
    assert left_claims(store.path) == []


def test_a_folder_of_claims_that_cannot_be_written_is_reported_in_one_line(tmp_path):
    (tmp_path / "claims").touch()  # a file
    claims = Claims(tmp_path, "a")
    with pytest.raises(StoreError, match=r"^/.*claims/a cannot be written: Not a directory$"):
        claims.take(ids_of(1))
    claims.close()


def test_a_writer_that_has_given_up_its_claims_can_claim_again(tmp_path):
    first, second = Claims(tmp_path, "a"), Claims(tmp_path, "a")
    assert first.take(ids_of(1, 2)).all()
    first.forget()
    assert not second.take(ids_of(1)).any()  # the other writers see this later
    assert first.take(ids_of(3, 4)).all()
    assert second.take(ids_of(1, 2, 3)).tolist() == [True, True, False]
    first.close()
    assert second.take(ids_of(3, 4)).all()
    second.close()
    second.close()
    assert os.listdir(tmp_path / "claims" / "a") == ["turn"]
