"""Heads in ONNX format give the probabilities of torch, without torch."""

import json
import subprocess
import sys

import numpy as np
import pytest

from embedcache import UserError, encode_in_memory, load_encoder
from segclf import TrainingOptions, Workspace, load_run, train
from segclf.corpus.layout import Layout
from segclf.inputs.examples import Examples
from segclf.scoring.calibration import calibrate
from tests.segtool.texts import mistake

HEADS = ("mlp", "bilstm", "transformer", "document-bilstm", "linear-transformer")
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


@pytest.mark.parametrize("name", HEADS)
def test_the_probabilities_are_those_of_torch(trained, tmp_path, name):
    from segclf.integrations.onnx_export import export_onnx
    from segclf.integrations.onnx_head import OnnxHead

    options = TrainingOptions(head=name, window=3 if name in HEADS[:3] else None, epochs=1)
    run = train(Workspace(trained / ".segtool"), options)
    head = OnnxHead(export_onnx(run, tmp_path / "head.onnx"))
    assert head.threshold == run.threshold
    for sizes in ([1], [2], [40, 1, 5], [5000]):
        layout = Layout.unlabelled(np.cumsum([0, *sizes]))
        vectors = np.random.default_rng(0).standard_normal((sum(sizes), run.record.dim))
        vectors = vectors.astype(np.float32)
        expected = calibrate(run.load_head().predict(Examples(vectors, layout)), run.temperature)
        found = head.predict(vectors, np.repeat(range(len(sizes)), sizes))
        np.testing.assert_allclose(found, layout.mark_document_starts(expected), atol=1e-5)


def test_an_exported_head_runs_where_torch_is_missing(trained, segtool, tmp_path):
    model = tmp_path / "model"
    done = segtool(trained, "export", "mlp-w1-001", str(model), "--onnx")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
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


def test_a_head_that_cannot_be_exported_is_refused_before_anything_is_written(
    trained, segtool, tmp_path
):
    run = train(
        Workspace(trained / ".segtool"), TrainingOptions(head="local-transformer", epochs=1)
    )
    done = segtool(trained, "export", run.name, str(tmp_path / "model"), "--onnx")
    assert "the head local-transformer cannot be exported to ONNX" in mistake(done)
    assert not (tmp_path / "model").exists()
    from segclf.integrations.onnx_export import export_onnx

    with pytest.raises(UserError, match="cannot be exported"):
        export_onnx(run, tmp_path / "head.onnx")
