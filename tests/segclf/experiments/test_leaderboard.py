"""The leaderboard: scores of systems over their seeds, and their names."""

import json

import numpy as np
import pytest

from segclf.experiments.leaderboard import leaderboard, system_labels
from segclf.scoring.metrics import SCORE_NAMES
from segclf.workspace.runs import list_runs, load_run


def test_leaderboard_shows_mean_and_deviation_over_seeds_sorted_by_dev_f1(swept):
    runs = list_runs(swept)
    board = leaderboard(runs)
    assert [system["n"] for system in board] == [3, 3]
    assert board[0]["dev"]["f1"]["mean"] >= board[1]["dev"]["f1"]["mean"]
    for system in board:
        assert system["seeds"] == [0, 1, 2]
        assert "seed" not in system["options"]
        own = [load_run(swept, name) for name in system["runs"]]
        assert {run.record.head for run in own} == {system["options"]["head"]}
        for split in ("dev", "test"):
            saved = [json.loads((run.path / f"eval-{split}.json").read_text()) for run in own]
            for name in SCORE_NAMES:
                values = [record[name] for record in saved]
                assert system[split][name]["mean"] == pytest.approx(np.mean(values))
                assert system[split][name]["std"] == pytest.approx(np.std(values, ddof=1))
        seconds = [run.record.seconds_per_epoch for run in own]
        assert system["seconds_per_epoch"]["mean"] == pytest.approx(np.mean(seconds))
    alone = leaderboard(runs[:1])[0]
    assert alone["test"]["f1"]["std"] is None


def test_labels_of_systems_name_the_options_that_differ():
    plain = {"head": "mlp", "window": 2, "loss": "cross-entropy", "gamma": 2.0, "seed": 1}
    focal = plain | {"loss": "focal"}
    assert system_labels([plain, focal]) == ["mlp, window 2", "mlp, window 2, focal 2"]
    rates = [plain | {"learning_rate": rate} for rate in (1e-5, 1e-3)]
    assert system_labels(rates) == [
        "mlp, window 2, learning rate 1e-05",
        "mlp, window 2, learning rate 0.001",
    ]
    tuned = {"head": "cross-segment", "sides": "tokens:64", "window": None, "loss": "balanced"}
    assert system_labels([tuned]) == ["cross-segment, tokens 64, balanced"]
