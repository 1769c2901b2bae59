"""The page of results: made of records, whole even when little was run."""

import re

import pytest

from bench import results_page
from bench.results_rows import CORPUS, read_toml
from segclf.encoders import DEFAULT_ENCODER
from segclf.grids import read_experiment, unique
from segclf.leaderboard import leaderboard
from segclf.options import TrainingOptions
from segclf.runs import list_runs
from segclf.sweeps import sweep
from segclf.workspace import Workspace
from tests.conftest import ROOT
from tests.segclf.test_sweeps import embed_hashes

HEADS = '[[grid]]\nhead = ["mlp", "bilstm"]\nwindow = 1\nepochs = 1\nseed = [0, 1]\n'
LOSSES = (
    '[[grid]]\nhead = "mlp"\nwindow = 1\nepochs = 1\nseed = 0\nloss = ["cross-entropy", "focal"]\n'
    "gamma = [1, 5]\nlearning_rate = [1e-9, 1e-2]\n"
)


@pytest.fixture(scope="module")
def experiments(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiments")
    (folder / "heads.toml").write_text(HEADS)
    (folder / f"{results_page.LOSSES}.toml").write_text(LOSSES)
    return sorted(folder.glob("*.toml"))


def cells(page, name):
    rows = [row.strip("| ").split(" | ") for row in page.splitlines() if row.startswith("|")]
    return [row for row in rows if row[0] == name]


def test_a_page_without_runs_says_how_to_run_every_row(tmp_path):
    page = results_page.page(Workspace(tmp_path), sorted(results_page.EXPERIMENTS.glob("*.toml")))
    first = cells(page, "mlp, window 1")[0]
    assert first[1:3] == [DEFAULT_ENCODER, "not run yet"]
    assert first[-1] == "`segtool sweep experiments/soseki-heads.toml --head mlp --window 1`"
    for command in re.findall(r"`(segtool sweep [^`&]+)", page):
        assert (ROOT / command.split()[2]).exists()
    assert "has not been run on this machine yet" in page


def test_rows_are_the_records(tmp_path, experiments):
    workspace = Workspace(tmp_path)
    embed_hashes(workspace, name=CORPUS)
    trials = [trial for path in experiments for trial in read_experiment(path).trials]
    sweep(workspace, unique(trial for trial in trials if trial.options.head == "mlp"))
    page = results_page.page(workspace, experiments)
    runs = [
        r
        for r in list_runs(workspace)
        if r.record["options"]["learning_rate"] == TrainingOptions.learning_rate
    ]
    (system,) = leaderboard(runs)
    test, dev = cells(page, "mlp, window 1")
    for row, split in ((test, "test"), (dev, "dev")):
        f1, deviation = system[split]["f1"]["mean"], system[split]["f1"]["std"]
        assert row[2] == "2"
        assert row[5] == f"{f1:.3f} ± {deviation:.3f}"
        assert row[-2] == f"{system['parameters']:,}"
    assert cells(page, "bilstm, window 1")[0][2] == "not run yet"
    assert cells(page, "everywhere")[0][3] == "1.000"
    (focal,) = cells(page, "focal, gamma 5")
    assert focal[-1].endswith("--loss focal --gamma 5`")
    assert re.match(r"\d\.\d{3} → \d\.\d{3}", focal[1])
    assert "Everything is predicted 0" in page or "In none of the 6 settings" in page


def test_quoted_rows_are_the_notes(shared):
    notes = (shared / "background.md").read_text().split("## Numbers to beat")[1].split("\n## ")[0]
    rows = [line.strip("| ") for line in notes.splitlines() if re.match(r"\| [^-]", line)]
    quoted = read_toml("quoted.toml")["row"]
    expected = [row for row in rows if not row.startswith("system")]
    assert len(quoted) == len(expected)
    for row, line in zip(quoted, expected, strict=True):
        name, *figures = (cell.strip() for cell in line.split("|"))
        assert row["system"] == name
        known = {row.get(n, "") for n in ("precision", "recall", "dev_f1", "test_f1", "epoch")}
        assert set(filter(None, figures)) == known - {""}
        assert f"quoted: {name}" in results_page._quoted()
