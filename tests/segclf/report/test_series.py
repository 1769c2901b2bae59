"""The numbers that the charts show."""

import numpy as np
import pytest

from segclf import load_run
from segclf.report.content import folders_of
from segclf.report.groups import group_by_seed
from segclf.report.series import (
    MAX_LENGTH,
    TRUE,
    comparison_rows,
    history_rows,
    length_rows,
    precision_recall_rows,
    threshold_rows,
)
from segclf.report.systems import score_systems
from segclf.scoring.decoding import decode
from segclf.scoring.metrics import precision_recall_f1
from segclf.tasks.models import Compute


@pytest.fixture(scope="module")
def groups(workspace):
    runs = [load_run(workspace, name) for name in ("mlp-w1-001", "mlp-w1-002")]
    _, systems = score_systems(
        workspace, runs, split="dev", corpus_name=None, compute=Compute(threads=1)
    )
    return group_by_seed(systems)


def test_the_curves_are_the_scores_at_their_thresholds(groups):
    (group,) = groups
    rows, chosen = threshold_rows(groups, "any")
    curves, points = precision_recall_rows(groups, "any")
    assert len(rows) == len(curves)
    for system in group.systems:
        result = system.types["any"]
        own = [row for row in rows if row["run"] == system.name]
        curve = [row for row in curves if row["run"] == system.name]
        assert curve[0]["recall"] == 1
        for row, point in zip(own[::7], curve[::7], strict=True):
            predicted = decode(result.layout, result.ranking, row["threshold"])
            precision, recall, f1 = precision_recall_f1(result.layout, predicted)
            assert row["score"] == pytest.approx(f1)
            assert (point["precision"], point["recall"]) == pytest.approx((precision, recall))
        assert {"threshold": system.run.threshold} in chosen
        scores = result.evaluation.scores
        assert {"precision": scores.precision, "recall": scores.recall}.items() <= next(
            point for point in points if point["run"] == system.name
        ).items()


def test_the_spread_is_that_of_the_seeds(groups):
    points, spreads, trivial = comparison_rows(groups, "any")
    values = [point["f1"] for point in points]
    assert len(values) == 2
    assert spreads[0]["high"] - spreads[0]["low"] == pytest.approx(2 * np.std(values, ddof=1))
    assert [row["system"] for row in trivial] == [
        "before every sentence", "no boundary", "regular intervals", "random"
    ]  # fmt: skip


def test_the_lengths_are_those_of_the_paragraphs(groups):
    rows, means = length_rows(groups, "any")
    layout = groups[0].systems[0].types["any"].layout
    true = [row["share"] for row in rows if row["series"] == TRUE]
    lengths = np.diff(np.append(np.flatnonzero(layout.labels), len(layout)))
    assert len(true) == MAX_LENGTH
    assert sum(true) == pytest.approx(1)
    assert true[1] == pytest.approx(np.mean(lengths == 2))
    assert true[-1] == pytest.approx(np.mean(lengths >= MAX_LENGTH))
    assert means[-1] == pytest.approx(lengths.mean())


def test_the_history_is_that_of_the_records(groups):
    losses, scores, best = history_rows(groups)
    assert [row["epoch"] for row in losses] == [1, 2, 1, 2]
    assert [row["score"] for row in scores] == [
        epoch.f1 for system in groups[0].systems for epoch in system.run.record.history[1:]
    ]
    assert best == [system.run.record.best_epoch for system in groups[0].systems]


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["ja/1/a", "ja/1/b", "ja/2/c"], ["ja/1", "ja/1", "ja/2"]),
        (["test/a.txt", "test/b.txt"], ["test/a.txt", "test/b.txt"]),
        (["a.txt", "x/b.txt"], ["a.txt", "x/b.txt"]),
        (["a.txt"], ["a.txt"]),
    ],
)
def test_documents_are_grouped_by_folder_where_there_are_several(names, groups):
    assert folders_of(names) == groups
