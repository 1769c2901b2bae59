"""Trials of grids of settings."""

import math
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedcache import UserError
from segclf.experiments.grids import Trial, expand, given_values, settings_of
from segclf.training.options import TrainingOptions

VALUES = {
    "head": st.sampled_from(["mlp", "bilstm", "transformer"]),
    "window": st.integers(1, 9),
    "learning_rate": st.floats(1e-6, 1.0),
    "seed": st.integers(0, 99),
    "encoder": st.sampled_from(["e5-small", "minilm"]),
}
GRIDS = st.fixed_dictionaries(
    {"head": st.lists(VALUES["head"], min_size=1, unique=True)},
    optional={
        name: st.lists(values, min_size=1, max_size=3, unique=True)
        for name, values in VALUES.items()
        if name != "head"
    },
)


@given(GRIDS)
def test_a_grid_has_every_combination_once(grid):
    trials = expand(grid)
    seeds = grid.get("seed", [0, 1, 2, 3, 4])
    sizes = [len(values) for name, values in grid.items() if name != "seed"]
    assert len(trials) == math.prod(sizes) * len(seeds) == len(set(trials))
    for trial in trials:
        settings = settings_of(trial)
        assert all(settings[name] in values for name, values in grid.items())
        defaults = settings_of(Trial(TrainingOptions()))
        assert all(settings[name] == defaults[name] for name in defaults.keys() - {*grid, "seed"})


def test_the_seed_varies_fastest():
    trials = expand({"head": ["mlp", "bilstm"], "seed": [0, 1]})
    assert [(trial.options.head, trial.options.seed) for trial in trials] == [
        ("mlp", 0), ("mlp", 1), ("bilstm", 0), ("bilstm", 1)
    ]  # fmt: skip


def test_gamma_applies_to_the_focal_loss_only():
    trials = expand(
        {"head": "mlp", "loss": ["cross-entropy", "focal"], "gamma": [0.5, 1, 5], "seed": 0}
    )
    assert [(trial.options.loss, trial.options.gamma) for trial in trials] == [
        ("cross-entropy", TrainingOptions.gamma), ("focal", 0.5), ("focal", 1.0), ("focal", 5.0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "assignments", "expected"),
    [
        ({"seed": "0-2,7"}, [], {"seed": [0, 1, 2, 7]}),
        ({"window": "4", "head": None}, [], {"window": [4]}),
        ({"learning_rate": "1e-3,1"}, [], {"learning_rate": [0.001, 1.0]}),
        (
            {"head": "mlp,bilstm"},
            ["batch-size=64"],
            {"head": ["mlp", "bilstm"], "batch_size": [64]},
        ),
        ({}, ["epochs=4,8"], {"epochs": [4, 8]}),
    ],
)
def test_settings_on_the_command_line_are_parsed(options, assignments, expected):
    assert given_values(options, assignments) == expected


@pytest.mark.parametrize(
    ("options", "assignments", "message"),
    [
        ({"window": "x"}, [], "window: must be a valid integer.*, not 'x'"),
        ({"seed": "2-"}, [], "seed: must be a valid integer.*, not '2-'"),
        ({}, ["patience"], "--set patience: write NAME=VALUES"),
        ({}, ["colour=1"], "unknown setting 'colour': choose from head, window, reach"),
    ],
)
def test_mistakes_on_the_command_line_are_reported(options, assignments, message):
    with pytest.raises(UserError, match=message):
        given_values(options, assignments)


def test_every_option_with_a_default_value_can_be_swept():
    for name, value in asdict(TrainingOptions()).items():
        if value is not None:
            assert expand({name: value})
