"""The run that commands use by default: the run on the latest corpus with the highest dev F1."""

import json
import os
import shutil

import pytest

from segclf.workspace.runs import best_run, load_run
from segclf.workspace.workspace import Workspace
from tests.conftest import STORIES, SURFACE
from tests.segtool.texts import UNSEEN, mistake


def edit(run, **changes):
    path = run / "run.json"
    record = json.loads(path.read_text()) | changes
    record.pop("checksum", None)
    path.write_text(json.dumps(record))


def test_the_best_run_is_used_and_named(three_runs, cli, segtool):
    # neither the order of training nor a file's time matters
    os.utime(three_runs / ".segtool/runs/mlp-w1-001/run.json")
    named = "run mlp-w1-002 (highest dev F1 on stories), threshold "
    for arguments in (["eval", "--json"], ["report", "-o", "page.html"]):
        done = cli(three_runs, *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stderr.startswith(named)
    (three_runs / "new.txt").write_text(UNSEEN)
    assert segtool(three_runs, "segment", "new.txt").stderr.startswith(named)
    done = cli(three_runs, "eval", "mlp-w1-003", "--json")
    assert done.stderr.startswith("run mlp-w1-003, threshold ")


def test_a_run_on_another_corpus_is_not_used(three_runs, cli):
    workspace = Workspace(three_runs / ".segtool")
    embedded = cli(three_runs, "embed", str(STORIES / "eki.txt"), *SURFACE, "--json")
    assert embedded.returncode == 0, embedded.stderr
    assert best_run(workspace) is None
    assert load_run(workspace, corpus_name="stories").name == "mlp-w1-002"
    line = mistake(cli(three_runs, "eval"))
    assert "no run was trained on the latest corpus: run segtool train, or choose" in line
    scored = cli(three_runs, "eval", "--corpus", "stories", "--json")
    assert json.loads(scored.stdout)["run"] == "mlp-w1-002"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"corpus_digest": "0" * 32}, "mlp-w1-003"),  # trained on an earlier text
        ({"corpus_digest": ""}, "mlp-w1-002"),  # a record of an early version
        ({"dev": {}}, "mlp-w1-003"),
    ],
)
def test_runs_without_dev_scores_on_the_same_text_are_not_the_best(three_runs, changes, expected):
    edit(three_runs / ".segtool/runs/mlp-w1-002", **changes)
    assert load_run(Workspace(three_runs / ".segtool")).name == expected


def test_a_run_for_all_boundaries_is_preferred(three_runs):
    run = three_runs / ".segtool/runs/mlp-w1-002"
    options = json.loads((run / "run.json").read_text())["options"]
    edit(run, options=options | {"boundary_type": "line"})
    assert load_run(Workspace(three_runs / ".segtool")).name == "mlp-w1-003"


def test_without_a_corpus_no_run_is_used(three_runs):
    shutil.rmtree(three_runs / ".segtool/corpora")
    assert best_run(Workspace(three_runs / ".segtool")) is None


def test_a_run_whose_dev_split_has_no_boundary_is_last_and_marked(three_runs, cli):
    runs = three_runs / ".segtool/runs"
    best = json.loads((runs / "mlp-w1-002/run.json").read_text())

    def without_boundaries(name):
        counts = json.loads((runs / name / "run.json").read_text())["counts"]
        counts["dev"]["boundaries"] = counts["dev"]["documents"]
        # the F1 of such a split is 0, but a record of an early version may contain another value
        edit(runs / name, counts=counts, dev=best["dev"])

    without_boundaries("mlp-w1-002")
    assert load_run(Workspace(three_runs / ".segtool")).name == "mlp-w1-003"
    without_boundaries("mlp-w1-001")
    without_boundaries("mlp-w1-003")
    done = cli(three_runs, "eval", "--json")
    why = "no run on stories has dev scores: its dev split has no boundary"
    assert done.stderr.startswith(f"run mlp-w1-003 ({why}), threshold ")
    listed = json.loads(cli(three_runs, "runs", "--json").stdout)["runs"]
    assert [row["dev"]["f1"] for row in listed] == [None, None, None]
