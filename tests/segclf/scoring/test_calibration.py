"""Temperature and reliability, compared with scikit-learn and known results."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from segclf.scoring.calibration import (
    Bin,
    calibrate,
    fit_temperature,
    logits_of,
    reliability,
)

PAIRS = st.tuples(
    hnp.arrays(np.float32, 50, elements=st.floats(0, 1, width=32)), hnp.arrays(np.bool_, 50)
)


def test_the_temperature_of_scaled_logits_is_found():
    random = np.random.default_rng(0)
    logits = random.normal(-1, 2, 200_000)
    labels = random.random(len(logits)) < expit(logits)
    for temperature in (0.5, 1.0, 3.0):
        scaled = expit(logits * temperature).astype(np.float32)
        assert fit_temperature(scaled, labels) == pytest.approx(temperature, rel=0.03)


@settings(deadline=None)
@given(
    hnp.arrays(np.float32, 50, elements=st.floats(0.0625, 0.9375, width=32)),
    hnp.arrays(np.bool_, 50),
)
def test_no_other_temperature_has_a_lower_cross_entropy(probabilities, labels):
    found = fit_temperature(probabilities, labels)
    losses = {
        temperature: log_loss(
            labels,
            calibrate(probabilities, temperature).astype(np.float64),
            labels=[False, True],
        )
        for temperature in (found, *np.geomspace(0.1, 10, 9))
    }
    assert losses[found] <= min(losses.values()) + 1e-3


@given(PAIRS, st.floats(0.1, 10))
def test_calibration_keeps_the_order_and_one_half(pair, temperature):
    probabilities, _ = pair
    calibrated = calibrate(probabilities, temperature)
    assert (np.diff(calibrated[np.argsort(probabilities)]) >= 0).all()
    not_half = abs(probabilities - 0.5) > 1e-6
    assert ((calibrated > 0.5) == (probabilities > 0.5))[not_half].all()


@given(PAIRS)
def test_reliability_agrees_with_scikit_learn(pair):
    probabilities, labels = pair
    found = reliability(probabilities, labels)
    assert found.brier == pytest.approx(
        brier_score_loss(labels, probabilities, pos_label=True), abs=1e-6
    )
    assert sum(part.count for part in found.bins) == len(labels)
    edges = np.isclose(probabilities * 10, np.round(probabilities * 10), atol=1e-4)
    if edges.any():
        return  # scikit-learn closes its bins on the other side
    observed, predicted = calibration_curve(labels, probabilities, n_bins=10)
    np.testing.assert_allclose([part.observed for part in found.bins], observed)
    np.testing.assert_allclose([part.probability for part in found.bins], predicted, rtol=1e-5)


def test_perfect_probabilities_have_no_error_and_inverted_ones_the_largest():
    labels = np.array([True, False, True, False])
    right = reliability(labels.astype(np.float32), labels)
    wrong = reliability((~labels).astype(np.float32), labels)
    assert (right.expected_error, right.brier) == (0, 0)
    assert (wrong.expected_error, wrong.brier) == (1, 1)


def test_nan_is_calibrated_to_one_half():
    undefined = np.full(4, np.nan, dtype=np.float32)
    labels = np.array([True, False, False, False])
    assert fit_temperature(undefined, labels) == 1
    calibrated = calibrate(undefined, 1.0)
    assert (calibrated == 0.5).all()
    assert reliability(calibrated, labels).expected_error == pytest.approx(0.25)


def test_reliability_without_candidates_is_zero():
    found = reliability(np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.bool_))
    assert (found.expected_error, found.brier, found.bins) == (0, 0, ())


def test_very_small_probabilities_remain_different():
    small = np.array([1e-12, 5e-10, 1e-9], dtype=np.float32)
    for temperature in (0.5, 1.0, 2.0):
        assert (np.diff(calibrate(small, temperature)) > 0).all()


def test_the_temperature_is_limited():
    labels = np.array([True, False, True])
    for right, temperature in ((True, 1 / 20), (False, 20)):
        probabilities = np.where(labels == right, 0.9, 0.1).astype(np.float32)
        assert fit_temperature(probabilities, labels) == pytest.approx(temperature, rel=0.01)


def test_each_tenth_of_the_probabilities_is_compared_with_its_labels():
    probabilities = np.array([0.0, 0.05, 0.25, 0.28, 0.95, 1.0], dtype=np.float32)
    labels = np.array([False, True, False, True, True, True])
    found = reliability(probabilities, labels)
    first, second, last = found.bins
    assert first == Bin(2, pytest.approx(0.025), 0.5)
    assert second == Bin(2, pytest.approx(0.265), 0.5)
    assert last == Bin(2, pytest.approx(0.975), 1)
    assert found.expected_error == pytest.approx((0.475 + 0.235 + 0.025) / 3)
    assert found.to_dict()["bins"][1]["count"] == 2


def test_logits_are_finite_and_those_of_nan_are_zero():
    extremes = logits_of(np.array([0, 1, np.nan, 0.5, 0.75], dtype=np.float32))
    assert np.isfinite(extremes).all()
    assert extremes[0] < -80
    assert extremes[1] > 17
    assert extremes[2:].tolist() == [0, 0, pytest.approx(np.log(3))]
    assert (calibrate(np.array([0, 1], dtype=np.float32), 1e-3) == [0, 1]).all()
    assert calibrate(np.float32(0.8), 2.0) == pytest.approx(2 / 3)
    assert calibrate(np.float32(0.8), 2.0).dtype == np.float32
