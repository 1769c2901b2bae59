"""Training of a head on an embedded corpus."""

import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from embedcache import encode_sentences
from segclf import TrainingOptions, Workspace, evaluate, train
from segclf.workspace import vectors
from segclf.workspace.corpora import EncoderReference
from tests.conftest import HashEncoder
from tests.segclf.experiments.corpora import embed_hashes


class RoundedEncoder(HashEncoder):
    """Vectors whose sums are exact in float32 in any order."""

    def encode(self, sentences):
        return np.round(super().encode(sentences) * 64) / 64


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "ws")


@pytest.mark.parametrize(("given", "expected"), [({}, 1), ({"threads": 2}, 2)])
def test_a_head_is_trained_with_one_thread_by_default(workspace, threads_used, given, expected):
    embed_hashes(workspace)
    run = train(workspace, TrainingOptions(head="mlp", window=1, epochs=1), **given)
    assert threads_used == {expected}
    assert run.record.machine.threads == expected


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("head", ["mlp", "local-transformer"])
def test_vectors_in_a_file_give_the_weights_that_they_give_in_memory(workspace, head, dtype):
    embed_hashes(workspace)
    stored = workspace.load_corpus()
    encoder = RoundedEncoder(name="rounded")
    encode_sentences(stored.corpus.sentences, encoder, workspace.store(), dtype=dtype)
    reference = EncoderReference("rounded", None, encoder.fingerprint)
    workspace.save_corpus(stored.name, stored.corpus, "line", reference)
    options = TrainingOptions(head=head, epochs=2, batch_size=16)
    runs = [train(workspace, options, memory=memory) for memory in (1, 0)]
    one, other = ((run.path / "weights.safetensors").read_bytes() for run in runs)
    assert one == other
    first, second = (run.record.history for run in runs)
    assert [replace(epoch, seconds=0) for epoch in first] == [
        replace(epoch, seconds=0) for epoch in second
    ]


def test_a_corpus_that_exceeds_memory_is_scored_in_parts(workspace, monkeypatch):
    embed_hashes(workspace)
    run = train(workspace, TrainingOptions(head="mlp", window=2, epochs=1))
    whole = evaluate(workspace, run)
    monkeypatch.setattr(vectors, "vectors_limit", lambda _=None: 0)
    monkeypatch.setattr(vectors, "PART", 50)
    assert np.array_equal(evaluate(workspace, run).probabilities, whole.probabilities)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_nothing_is_left_of_training_that_is_killed(workspace):
    embed_hashes(workspace)
    before = sorted(workspace.path.rglob("*"))
    command = (
        "from segclf import TrainingOptions, Workspace, train\n"
        f"options = TrainingOptions(head='mlp', window=1, epochs=10**6, patience=10**6)\n"
        f"workspace = Workspace({str(workspace.path)!r})\n"
        "train(workspace, options, memory=0, on_epoch=lambda e: print(e.epoch, flush=True))\n"
    )
    with subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            if line == b"2\n":
                process.send_signal(signal.SIGKILL)
    assert sorted(workspace.path.rglob("*")) == before
    assert train(workspace, TrainingOptions(head="mlp", window=1, epochs=1), memory=0).name
