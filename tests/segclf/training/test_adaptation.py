"""Training that starts from a trained head."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from embedcache import UserError
from segclf.corpus.layout import Layout
from segclf.inputs.examples import Examples
from segclf.scoring.calibration import calibrate
from segclf.training.adaptation import (
    LEARNING_RATE,
    PRIOR_WEIGHT,
    CalibratedHead,
    adaptation_options,
)
from segclf.training.epochs import fit_decision
from segclf.training.loop import train_head
from segclf.training.options import TrainingOptions
from tests.segclf.topics import topics

OPTIONS = TrainingOptions(head="mlp", window=1, epochs=6)


@pytest.fixture(scope="module")
def start():
    """A head trained on many documents."""
    trained = train_head(topics(0, documents=12), topics(1, documents=4), OPTIONS)
    return CalibratedHead(trained.head, trained.best.calibrated_threshold, trained.best.temperature)


def pages(seed, length=40):
    return topics(seed, documents=1, length=length)


def unlike(seed):
    """Examples unlike those on which the start was trained, so that training improves it."""
    examples = topics(seed)
    return replace(examples, vectors=np.ascontiguousarray(2 * examples.vectors[:, ::-1] + 1))


def weights(head):
    return torch.cat([p.detach().flatten() for p in head.parameters()])


def test_a_few_pages_give_a_better_head_with_a_start_than_without(start):
    test = topics(9, documents=5)

    def f1(**given):
        trained = train_head(pages(2), pages(3), OPTIONS, **given)
        probabilities, wanted = trained.head.predict(test), test.layout.labels
        predicted = (probabilities >= trained.best.threshold) & test.layout.is_candidate
        wanted = wanted & test.layout.is_candidate
        return 2 * (predicted & wanted).sum() / (predicted.sum() + wanted.sum())

    assert f1(start=start) > f1() + 0.1


def test_the_start_is_not_changed_and_its_standardization_is_kept(start):
    before = weights(start.head).clone()
    trained = train_head(unlike(2), unlike(3), OPTIONS, start=start)
    assert trained.best.epoch > 0
    assert torch.equal(weights(start.head), before)
    assert not torch.equal(weights(trained.head), before)
    assert torch.equal(trained.head.mean, start.head.mean)
    assert torch.equal(trained.head.scale, start.head.scale)


def test_epoch_0_scores_the_start(start):
    dev = pages(3, length=100)
    trained = train_head(pages(2), dev, OPTIONS, start=start)
    candidates = dev.layout.is_candidate
    probabilities = start.head.predict(dev)[candidates]
    decision = start.decide(probabilities, dev.layout.labels[candidates])
    assert (trained.history[0].threshold, trained.history[0].temperature) == decision


def test_the_start_is_kept_unless_training_improves_it_on_dev(start):
    text = topics(3)
    labels = calibrate(start.head.predict(text), start.temperature) >= start.threshold
    dev = replace(text, layout=Layout(labels, text.layout.offsets))  # the start makes no mistake
    trained = train_head(pages(2), dev, OPTIONS, start=start)
    assert trained.best == trained.history[0]
    assert trained.best.f1 == 1
    assert torch.equal(weights(trained.head), weights(start.head))


def test_the_weights_depend_on_the_seed_only(start):
    def adapt(seed):
        options = replace(OPTIONS, epochs=2, seed=seed)
        return weights(train_head(unlike(2), unlike(3), options, start=start).head)

    assert torch.equal(adapt(3), adapt(3))
    assert not torch.equal(adapt(3), adapt(4))


def candidates(count, boundaries):
    """Probabilities near 0.2, and above 0.7 for boundaries."""
    random = np.random.default_rng(0)
    labels = np.arange(count) < boundaries
    return (random.random(count) * 0.2 + 0.1 + 0.6 * labels).astype(np.float32), labels


def test_few_boundaries_move_the_threshold_a_little_and_many_move_it_far(start):
    start = replace(start, threshold=0.9, temperature=1.5)
    before = float(calibrate(np.float32(0.9), 1 / 1.5))  # for probabilities before calibration

    def moved(boundaries):
        probabilities, labels = candidates(10 * boundaries, boundaries)
        threshold, temperature = start.decide(probabilities, labels)
        fitted, fitted_temperature = fit_decision(probabilities, labels)
        assert fitted <= threshold <= before
        assert fitted_temperature <= temperature <= 1.5
        return before - threshold

    few, half, many = (moved(boundaries) for boundaries in (1, PRIOR_WEIGHT, 50 * PRIOR_WEIGHT))
    assert few < half < many


@pytest.mark.parametrize("boundaries", [0, 30])
def test_a_dev_split_of_one_class_does_not_change_threshold_and_temperature(start, boundaries):
    threshold, temperature = start.decide(*candidates(30, boundaries))
    assert temperature == pytest.approx(start.temperature)
    assert float(calibrate(np.float32(threshold), temperature)) == pytest.approx(start.threshold)
    dev = Examples(pages(3).vectors, Layout(np.full(40, boundaries > 0), np.array([0, 40])))
    trained = train_head(pages(2), dev, OPTIONS, start=start)
    assert trained.best.calibrated_threshold == pytest.approx(start.threshold, abs=1e-6)


def test_pages_without_boundaries_are_an_error(start):
    unlabelled = Examples(pages(2).vectors, Layout.unlabelled(np.array([0, 40])))
    with pytest.raises(UserError, match="the train split has no boundary"):
        train_head(unlabelled, pages(3), OPTIONS, start=start)


def test_the_options_are_the_defaults_except_for_the_head_and_its_loss():
    source = TrainingOptions(
        head="bilstm", window=2, loss="focal", gamma=1.0, epochs=50, seed=7, learning_rate=1e-2
    )
    options = adaptation_options(source, {"seed": 3, "window": 2})
    assert options == TrainingOptions(
        head="bilstm", window=2, loss="focal", gamma=1.0, seed=3, learning_rate=LEARNING_RATE
    )
    assert adaptation_options(source, {"learning_rate": 1e-3}).learning_rate == 1e-3
    assert adaptation_options(source, {"loss": "balanced"}).loss == "balanced"


@pytest.mark.parametrize(
    ("source", "given", "message"),
    [
        (
            {},
            {"head": "bilstm"},
            "the trained model has head mlp, not bilstm: leave out the option head",
        ),
        ({}, {"window": 3}, "has window 4, not 3: leave out the option window"),
        ({}, {"reach": 8}, "has no reach: leave out the option reach"),
        ({"head": "document-bilstm"}, {"window": 4}, "has no window: leave out the option window"),
    ],
)
def test_options_that_contradict_the_head_are_errors(source, given, message):
    with pytest.raises(UserError, match=message):
        adaptation_options(TrainingOptions(**source), given)
