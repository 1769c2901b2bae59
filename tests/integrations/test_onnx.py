"""Heads in ONNX format predict the same probabilities as in torch, and do not need torch."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from embedcache import encode_in_memory, load_encoder
from segclf import ReadOptions, TrainingOptions, Workspace, embed, load_run, train
from segclf.corpus import read_corpus
from segclf.corpus.layout import Layout
from segclf.inputs.examples import Examples
from segclf.scoring.calibration import calibrate
from segclf.tasks.adapt import CorrectedText, adapt
from segclf.tasks.segment import Segmenter
from segclf.workspace.ready import load_ready_model
from tests.conftest import STORIES
from tests.segtool.texts import mistake

WINDOW_HEADS = ("mlp", "bilstm", "transformer")
DOCUMENT_HEADS = ("document-bilstm", "linear-transformer", "local-transformer")
WITHOUT_TORCH = """
import json, sys
import numpy as np
sys.modules["torch"] = None
from segclf.integrations.onnx_head import OnnxHead
head = OnnxHead(sys.argv[1])
data = np.load(sys.argv[2])
probabilities = head.predict(data["vectors"], data["groups"])
print(json.dumps([head.threshold, head.encoder, probabilities.tolist()]))
"""


@pytest.mark.parametrize("name", [*WINDOW_HEADS, *DOCUMENT_HEADS])
def test_the_probabilities_are_the_same_as_in_torch(trained, segtool, tmp_path, name):
    from segclf.integrations.onnx_head import OnnxHead

    window = 3 if name in WINDOW_HEADS else None
    options = TrainingOptions(head=name, window=window, epochs=1)
    run = train(Workspace(trained / ".segtool"), options)
    done = segtool(trained, "export", run.name, str(tmp_path / "model"), "--onnx")
    assert done.returncode == 0, done.stderr
    head = OnnxHead(tmp_path / "model/head.onnx")
    assert head.threshold == run.threshold
    for sizes in ([1], [2], [40, 1, 5], [5000]):
        layout = Layout.unlabelled(np.cumsum([0, *sizes]))
        vectors = np.random.default_rng(0).standard_normal((sum(sizes), run.record.dim))
        vectors = vectors.astype(np.float32)
        expected = calibrate(run.load_head().predict(Examples(vectors, layout)), run.temperature)
        found = head.predict(vectors, np.repeat(range(len(sizes)), sizes))
        np.testing.assert_allclose(found, layout.mark_document_starts(expected), atol=1e-5)


def test_an_exported_head_runs_without_torch(trained, segtool, tmp_path):
    model = tmp_path / "model"
    done = segtool(trained, "export", "mlp-w1-001", str(model), "--onnx")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("run mlp-w1-001, threshold ")
    assert len(done.stderr.splitlines()) == 1  # no warnings from torch
    sentences = ["It rained.", "He left.", "The river rose.", "So be it."]
    vectors = encode_in_memory(sentences, load_encoder("surface"))
    np.savez(tmp_path / "data.npz", vectors=vectors, groups=[0, 0, 1, 1])
    command = [sys.executable, "-c", WITHOUT_TORCH, model / "head.onnx", tmp_path / "data.npz"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    threshold, encoder, probabilities = json.loads(done.stdout)
    run = load_run(Workspace(trained / ".segtool"), "mlp-w1-001")
    assert (threshold, encoder) == (run.threshold, "surface")
    layout = Layout.unlabelled(np.array([0, 2, 4]))
    expected = calibrate(run.load_head().predict(Examples(vectors, layout)), run.temperature)
    np.testing.assert_allclose(probabilities, layout.mark_document_starts(expected), atol=1e-5)


def test_the_probabilities_of_a_head_that_reads_words_are_the_same_as_in_torch(tmp_path):
    from segclf.integrations.onnx_export import export_onnx
    from segclf.integrations.onnx_head import OnnxHead

    workspace = Workspace(tmp_path / "work")
    embed(STORIES / "eki.txt", workspace, encoder_name="ginza", pooling="tokens")
    run = train(workspace, TrainingOptions(head="wordlstm", window=2, epochs=1))
    head = OnnxHead(export_onnx(run, tmp_path / "head.onnx"))
    random = np.random.default_rng(0)
    table = random.standard_normal((50, run.record.dim)).astype(np.float32)
    for sizes, longest in (([1], 1), ([2], 3), ([40, 1, 5], 12), ([5000], 30)):
        layout = Layout.unlabelled(np.cumsum([0, *sizes]))
        words = random.integers(0, 50, (sum(sizes), longest), dtype=np.int32)
        lengths = random.integers(0, longest + 1, sum(sizes))  # some sentences have no known word
        words[np.arange(longest) >= lengths[:, None]] = -1
        examples = Examples.of_words(words, table, layout)
        expected = calibrate(run.load_head().predict(examples), run.temperature)
        found = head.predict(words, np.repeat(range(len(sizes)), sizes), table)
        np.testing.assert_allclose(found, layout.mark_document_starts(expected), atol=1e-5)


def test_both_heads_of_a_run_with_types_are_exported(segtool, tmp_path):
    from segclf.integrations.onnx_head import OnnxHead

    corpus = read_corpus(STORIES / "eki.txt", options=ReadOptions(boundary="typed"), split="train")
    workspace = Workspace(tmp_path / "work")
    model = Segmenter(workspace, load_ready_model("japanese-fast")).load("", "ja")
    run = adapt(workspace, model, [CorrectedText(corpus.sentences, corpus.types)]).run
    done = segtool(tmp_path, "export", run.name, "model", "--onnx", "--workspace", "work")
    assert done.returncode == 0, done.stderr
    for name, folder in (("any", "model"), ("paragraph", "model/paragraph")):
        head = OnnxHead(tmp_path / folder / "head.onnx")
        assert head.threshold == run.runs[name].threshold


def test_a_model_without_a_head_is_refused_before_anything_is_written(trained, segtool, tmp_path):
    run = trained / ".segtool/runs/mlp-w1-001"
    tuned = shutil.copytree(run, tmp_path / "tuned")
    record = json.loads((tuned / "run.json").read_text()) | {"kind": "hierarchical"}
    record.pop("checksum")
    (tuned / "run.json").write_text(json.dumps(record))
    done = segtool(trained, "export", str(tuned), str(tmp_path / "model"), "--onnx")
    assert "tuned is a fine-tuned Transformer, not a head on sentence vectors" in mistake(done)
    assert not (tmp_path / "model").exists()
