"""The paired bootstrap, compared with a plain loop and with SciPy."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from segclf.corpus import Corpus, Document
from segclf.corpus.layout import Layout
from segclf.scoring.bootstrap import (
    RESAMPLES,
    Difference,
    Resampling,
    differences,
    f1_of_counts,
    pk_of_counts,
    units_of,
)
from segclf.scoring.metrics import score


def texts(lengths, seed=0):
    """A corpus and two predictions for it, the first of which is better."""
    random = np.random.default_rng(seed)
    documents = [
        Document(f"d{i}", [f"{i} {j}" for j in range(n)], random.random(n) < 0.25)
        for i, n in enumerate(lengths)
    ]
    part = Corpus.of(documents, ["test"] * len(documents))
    predictions = [
        np.where(random.random(len(part)) < wrong, ~part.labels, part.labels)
        for wrong in (0.08, 0.15)
    ]
    return part, predictions


@pytest.mark.parametrize("lengths", [[400], [30, 1, 55, 12, 90], [1, 80], [2, 2, 40]])
def test_the_counts_of_all_units_give_the_scores(lengths):
    part, predictions = texts(lengths)
    units, resampling = units_of(part.layout, predictions)
    first, second = differences(units, resampling.draws, resamples=10)
    for i, predicted in enumerate(predictions):
        expected = score(part.layout, predicted)
        assert (first.first, first.second)[i] == pytest.approx(expected.f1)
        assert (second.first, second.second)[i] == pytest.approx(expected.pk)


def test_resampling_of_documents_agrees_with_a_plain_loop():
    part, predictions = texts([40, 60, 25, 80, 33, 51, 47, 29])
    units, resampling = units_of(part.layout, predictions)
    assert resampling == Resampling("document", 8, 8, None)
    f1, pk = differences(units, resampling.draws, resamples=300)
    random = np.random.default_rng(0)
    spans = part.layout.documents
    gaps = []
    for chosen in random.integers(0, 8, (300, 8)):
        marks = [
            np.concatenate([array[slice(*spans[i])] for i in chosen])
            for array in (part.labels, *predictions)
        ]
        offsets = np.concatenate([[0], np.cumsum([spans[i][1] - spans[i][0] for i in chosen])])
        layout = Layout(marks[0], offsets)
        scores = [score(layout, predicted) for predicted in marks[1:]]
        gaps.append((scores[0].f1 - scores[1].f1, scores[0].pk - scores[1].pk))
    for found, column in ((f1, 0), (pk, 1)):
        low, high = np.quantile(np.array(gaps)[:, column], [0.025, 0.975])
        assert (found.low, found.high) == pytest.approx((low, high))


def test_the_interval_agrees_with_scipy():
    part, predictions = texts([50] * 40)
    units, resampling = units_of(part.layout, predictions)
    f1, pk = differences(units, resampling.draws)
    for found, ratio in ((f1, f1_of_counts), (pk, pk_of_counts)):

        def gap(index, axis, ratio=ratio):
            sums = units[index].sum(axis=index.ndim + axis)
            return ratio(sums)[..., 0] - ratio(sums)[..., 1]

        reference = bootstrap(
            (np.arange(len(units)),), gap, n_resamples=RESAMPLES, method="percentile",
            vectorized=True, batch=500, rng=np.random.default_rng(1),
        ).confidence_interval  # fmt: skip
        width = reference.high - reference.low
        assert abs(found.low - reference.low) < 0.06 * width
        assert abs(found.high - reference.high) < 0.06 * width


def test_one_document_is_resampled_in_circular_blocks():
    part, predictions = texts([100])
    units, resampling = units_of(part.layout, predictions)
    assert resampling == Resampling("block", 100, 10, 10)
    labels, (guess, _) = part.labels, predictions
    true_positive = labels & guess
    true_positive[0] = False  # not a candidate
    for start in range(100):
        block = [(start + i) % 100 for i in range(10)]
        assert units[start, 0, 0] == true_positive[block].sum()
    assert (units.sum(axis=0) == 10 * units[::10].sum(axis=0)).all()


def test_a_run_does_not_differ_from_itself_and_the_same_seed_gives_the_same_interval():
    part, (better, worse) = texts([400])
    units, resampling = units_of(part.layout, [better, better])
    for difference in differences(units, resampling.draws):
        assert (difference.difference, difference.low, difference.high) == (0, 0, 0)
        assert not difference.significant
    units, resampling = units_of(part.layout, [better, worse])
    assert differences(units, resampling.draws) == differences(units, resampling.draws)
    f1, pk = differences(units, resampling.draws)
    assert f1.significant
    assert f1.low < f1.difference < f1.high
    assert f1.difference > 0 > pk.difference


def test_seeds_are_averaged():
    part, (better, worse) = texts([300])
    single, resampling = units_of(part.layout, [better, worse])
    twice, _ = units_of(part.layout, [better, better, worse, worse])
    assert differences(twice, resampling.draws) == differences(single, resampling.draws)
    mixed, _ = units_of(part.layout, [better, worse, worse, worse])
    (f1, _), (whole, _) = (differences(units, resampling.draws) for units in (mixed, single))
    assert f1.difference == pytest.approx(whole.difference / 2)


def test_the_interval_has_the_stated_coverage():
    """Two equally good systems: zero should lie in 95% of the intervals."""
    covered = 0
    for seed in range(200):
        part, _ = texts([600], seed)
        random = np.random.default_rng(1000 + seed)
        predictions = [part.labels ^ (random.random(600) < 0.1) for _ in range(2)]
        units, resampling = units_of(part.layout, predictions)
        covered += not differences(units, resampling.draws, resamples=400)[0].significant
    assert 175 <= covered <= 199


def test_the_interval_does_not_depend_on_how_many_resamples_are_drawn_at_once(monkeypatch):
    part, predictions = texts([40, 60, 25])
    units, resampling = units_of(part.layout, predictions)
    at_once = differences(units, resampling.draws, resamples=50)
    for counts in (1, 30 * 7, 30 * 50):
        monkeypatch.setattr("segclf.scoring.bootstrap._CHUNK_COUNTS", counts)
        assert differences(units, resampling.draws, resamples=50) == at_once


def test_the_default_is_ten_thousand_resamples_and_seed_zero():
    part, predictions = texts([400])
    units, resampling = units_of(part.layout, predictions)
    explicit = differences(units, resampling.draws, resamples=10_000, seed=0)
    assert differences(units, resampling.draws) == explicit
    assert differences(units, resampling.draws, seed=1) != explicit


def test_a_difference_is_significant_if_zero_is_outside_the_interval():
    for low, high, significant in ((0.1, 0.3, 1), (-0.3, -0.1, 1), (-0.1, 0.3, 0), (0, 0.3, 0)):
        assert Difference(0.5, 0.4, 0.1, low, high).significant == significant
    assert not Difference(0.4, 0.5, -0.1, -0.3, 0).significant


def test_ratios_without_boundaries_and_pairs_are_zero():
    counts = np.zeros((2, 5))
    counts[1] = [3, 1, 4, 2, 8]
    assert f1_of_counts(counts).tolist() == [0, 6 / 11]
    assert pk_of_counts(counts).tolist() == [0, 0.25]
