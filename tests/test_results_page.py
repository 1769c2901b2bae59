"""The generated pages in docs: results from run records, benchmarks from measurements."""

import re

import pytest

from bench import report
from reports import loss_table, results, system_tables
from reports.systems import CORPUS, read_toml
from segclf.experiments.experiment_files import Experiment, read_experiment
from segclf.experiments.grids import expand, unique
from segclf.experiments.leaderboard import leaderboard
from segclf.experiments.sweeps import sweep
from segclf.training.options import TrainingOptions
from segclf.workspace.runs import list_runs
from segclf.workspace.workspace import Workspace
from tests.conftest import ROOT
from tests.segclf.experiments.corpora import embed_hashes

FROZEN_ENCODER = "e5-small:7+surface"  # of the experiments on the novels
HEADS = '[[grid]]\nhead = ["mlp", "bilstm"]\nwindow = 1\nepochs = 1\nseed = [0, 1]\n'
LOSSES = (
    '[[grid]]\nhead = "mlp"\nwindow = 1\nepochs = 1\nseed = 0\nloss = ["cross-entropy", "focal"]\n'
    "gamma = [1, 5]\nlearning_rate = [1e-9, 1e-2]\n"
)


@pytest.fixture(scope="module")
def experiments(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiments")
    (folder / "heads.toml").write_text(HEADS)
    (folder / f"{results.LOSSES}.toml").write_text(LOSSES)
    return sorted(folder.glob("*.toml"))


def cells(page, name):
    rows = [row.strip("| ").split(" | ") for row in page.splitlines() if row.startswith("|")]
    return [row for row in rows if name in row[:2]]


def every_experiment():
    return sorted(results.EXPERIMENTS.glob("*.toml"))


def test_a_page_without_runs_gives_the_command_of_every_system(tmp_path):
    page = results.page(Workspace(tmp_path), every_experiment())
    assert cells(page, "mlp, window 1")[0][2:4] == [FROZEN_ENCODER, "not run yet"]
    command = "segtool sweep experiments/soseki-heads.toml --head mlp --window 1"
    assert f"mlp, window 1 ({FROZEN_ENCODER}): `{command}`\n" in page
    for command in re.findall(r"`(segtool sweep [^`&]+)", page):
        assert (ROOT / command.split()[2]).exists()
    assert "has not been run on this machine yet" in page


def test_the_page_in_docs_has_the_sections_tables_and_commands_of_the_generator(tmp_path):
    page = results.page(Workspace(tmp_path), every_experiment())
    written = results.PAGE.read_text(encoding="utf-8")
    assert results.INTRODUCTION in written
    assert results.NOVELS in written
    assert results.PROTOCOL in written
    assert "\n".join(system_tables.quoted()) in written
    for line in re.findall(r"^(?:#.*|\| (?:#|loss|encoder) .*|- .*)$", page, re.MULTILINE):
        assert f"{line}\n" in written
    systems = re.compile(r"^\d+\. (.*)$", re.MULTILINE)
    assert sorted(systems.findall(page)) == sorted(systems.findall(written))


def test_rows_show_the_records(tmp_path, experiments):
    workspace = Workspace(tmp_path)
    embed_hashes(workspace, name=CORPUS)
    trials = [trial for path in experiments for trial in read_experiment(path).trials]
    sweep(workspace, unique(trial for trial in trials if trial.options.head == "mlp"), jobs=1)
    page = results.page(workspace, experiments)
    runs = [
        r
        for r in list_runs(workspace)
        if r.record.options["learning_rate"] == TrainingOptions.learning_rate
    ]
    (system,) = leaderboard(runs)
    test, dev, cost = cells(page, "mlp, window 1")
    for row, split in ((test, "test"), (dev, "dev")):
        f1, deviation = system[split]["f1"]["mean"], system[split]["f1"]["std"]
        assert row[3] == "2"
        assert row[6] == f"{f1:.3f} ± {deviation:.3f}"
    assert cost[3] == f"{system['parameters']:,}"
    assert cells(page, "bilstm, window 1")[0][3] == "not run yet"
    novels = page.split(results.NOVELS)[1]
    assert cells(novels, "a boundary before every sentence")[0][3] == "1.000"
    (focal,) = cells(page, "focal, gamma 5")
    assert re.match(r"\d\.\d{3} → \d\.\d{3}", focal[1])
    assert re.search(r"- focal, gamma 5: `.* --loss focal --gamma 5`\n", page)
    assert "These settings predict no boundary at all" in page or "Each of the 6 settings" in page


def test_the_table_of_losses_shows_scores_and_counts():
    def summary(half, chosen, nowhere=0, everywhere=0, collapsed=0):
        counts = {"nowhere_at_half": nowhere, "everywhere_at_half": everywhere}
        scores = [{"test": {"f1": {"mean": mean}}} for mean in (half, chosen)]
        return {"n": 5, "at_half": scores[0], **scores[1], **counts, "collapsed": collapsed}

    (trial, *_) = expand({"head": "mlp", "window": 2})
    summaries = {
        "balanced": {0.01: summary(0.5, 0.6), 0.001: summary(0.3, 0.4, everywhere=2, collapsed=1)},
        "focal, gamma 5": {0.01: None, 0.001: summary(0, 0.25, nowhere=5)},
    }
    page = "\n".join(loss_table.render(trial, summaries, {"balanced": "segtool sweep x"}))
    assert "Head mlp, window 2." in page
    assert cells(page, "loss") == [["loss", "learning rate 0.001", "learning rate 0.01"]]
    assert cells(page, "balanced")[0][1:] == [
        "0.300 → 0.400; **a boundary before every sentence: 2 of 5**; **collapsed: 1 of 5**",
        "0.500 → 0.600",
    ]
    assert cells(page, "focal, gamma 5")[0][1:] == [
        "0.000 → 0.250; **no boundary: 5 of 5**",
        "not run yet",
    ]
    assert "at threshold 0.5: focal, gamma 5 at learning rate 0.001 (5 of 5 runs).\n" in page
    assert "- balanced: `segtool sweep x`\n" in page


def test_the_table_of_losses_has_one_head_and_window(tmp_path):
    plan = Experiment(None, expand({"head": "mlp", "window": [1, 2], "loss": ["balanced"]}))
    with pytest.raises(ValueError, match="not in window"):
        loss_table.losses(tmp_path / "x.toml", plan, Workspace(tmp_path), None)


def test_quoted_rows_agree_with_the_notes(shared):
    notes = (shared / "background.md").read_text().split("## Numbers to beat")[1].split("\n## ")[0]
    rows = [line.strip("| ") for line in notes.splitlines() if re.match(r"\| [^-]", line)]
    quoted = read_toml("quoted.toml")["row"]
    expected = [row for row in rows if not row.startswith("system")]
    assert len(quoted) == len(expected)
    section = "\n".join(system_tables.quoted())
    for row, line in zip(quoted, expected, strict=True):
        name, *values = (cell.strip() for cell in line.split("|"))
        assert row["system"] == name
        known = {row.get(n, "") for n in ("precision", "recall", "dev_f1", "test_f1", "epoch")}
        assert set(filter(None, values)) == known - {""}
        assert f"| {name} |" in section


def test_the_pages_of_measurements_are_made_from_the_saved_measurements():
    assert report.PAGE.read_text(encoding="utf-8") == report.page()
    assert report.SCALE_PAGE.read_text(encoding="utf-8") == report.scale_page()
