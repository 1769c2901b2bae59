"""The plot of a run."""

import struct
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from segclf.training.epochs import Epoch
from segclf.workspace.plots import draw_history
from segclf.workspace.records import RunRecord
from tests.conftest import ROOT


def record(epochs):
    history = tuple(
        Epoch(
            i, 0.7 / (i + 1), precision=0.5, recall=0.1 * i, f1=0.08 * i, threshold=0.5, seconds=1
        )
        for i in range(epochs + 1)
    )
    options = {"head": "mlp", "window": 2, "loss": "focal", "learning_rate": 0.001, "seed": 3}
    return RunRecord(None, options, threshold=0.5, history=history, best_epoch=epochs)


@pytest.mark.parametrize("epochs", [1, 8])
def test_a_plot_is_drawn(tmp_path, epochs):
    path = tmp_path / "history.png"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # for example, if the font lacks a letter
        draw_history(record(epochs), path)
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    assert 600 <= width <= 1600
    assert 250 <= height <= 900
    image = imread(path)[..., :3]
    dark = (image < 0.9).any(axis=2)
    assert 0.01 < dark.mean() < 0.5
    assert dark[:, : width // 2].any()
    assert dark[:, width // 2 :].any()


def test_other_scores_give_another_plot(tmp_path):
    worse = record(4)
    *before, last = worse.history
    better = replace(worse, history=(*before, replace(last, f1=0.9)))
    for name, drawn in (("a.png", worse), ("b.png", better)):
        draw_history(drawn, tmp_path / name)
    assert not np.array_equal(imread(tmp_path / "a.png"), imread(tmp_path / "b.png"))


def test_matplotlib_is_imported_only_to_draw():
    modules = "segtool.app, segclf.workspace.runs, segclf.tasks.evaluate"
    code = f"import sys, {modules}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
