"""Comparison of two runs of a sweep."""

import json
from dataclasses import replace
from statistics import fmean

import pytest

from embedcache import UserError
from segclf.experiments.comparison import compare, compare_means
from segclf.workspace.runs import Run, list_runs, load_run
from tests.segclf.experiments.corpora import copied


def test_two_runs_are_compared_on_the_test_split(swept):
    first, second = list_runs(swept)[:2]
    content = compare(swept, first, second).to_dict()
    assert (content["unit"], content["units"], content["few_documents"]) == ("document", 3, True)
    saved = [json.loads((run.path / "eval-test.json").read_text()) for run in (first, second)]
    for name in ("f1", "pk"):
        assert content[name]["difference"] == pytest.approx(saved[0][name] - saved[1][name])
        assert content[name]["low"] <= content[name]["difference"] <= content[name]["high"]


def test_runs_of_different_corpora_are_not_compared(swept, tmp_path):
    workspace = copied(swept, tmp_path)
    first, second = list_runs(workspace)[:2]
    other = Run(second.path, replace(second.record, corpus="others"))
    with pytest.raises(UserError, match="choose runs trained on the same corpus"):
        compare(workspace, first, other)
    changed = Run(second.path, replace(second.record, corpus_digest="0"))
    with pytest.raises(UserError, match="the corpus stories changed between the training"):
        compare(workspace, first, changed)


def test_a_run_is_not_compared_with_itself(swept, monkeypatch):
    run = list_runs(swept)[0]
    monkeypatch.chdir(swept.path)
    with pytest.raises(UserError, match="cannot be compared with itself"):
        compare(swept, run, load_run(swept, f"runs/{run.name}"))


def runs_of(workspace, head, seeds):
    runs = {(run.record.head, run.record.options["seed"]): run for run in list_runs(workspace)}
    return [runs[head, seed] for seed in seeds]


def test_the_mean_scores_of_two_systems_are_compared(swept):
    systems = [runs_of(swept, head, (0, 1)) for head in ("mlp", "bilstm")]
    found = compare_means(swept, *systems, split="test")
    first, second = (
        fmean(json.loads((run.path / "eval-test.json").read_text())["f1"] for run in runs)
        for runs in systems
    )
    assert found.difference == pytest.approx(first - second)
    assert found.low <= found.difference <= found.high


@pytest.mark.parametrize("numbers", [((0, 1), (0,)), ((), ())])
def test_systems_need_the_same_number_of_runs(swept, numbers):
    first, second = numbers
    with pytest.raises(ValueError, match="expected the same number of runs"):
        compare_means(
            swept, runs_of(swept, "mlp", first), runs_of(swept, "bilstm", second), split="test"
        )
