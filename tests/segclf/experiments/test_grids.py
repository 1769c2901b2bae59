"""Trials of grids of settings."""

import math
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedcache import UserError
from segclf.experiments.grids import (
    Trial,
    expand,
    given_values,
    read_experiment,
    select,
    settings_of,
)
from segclf.training.options import TrainingOptions
from segclf.workspace.encoders import DEFAULT_ENCODER

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
        assert all(settings[n] == v for n, v in defaults.items() if n not in {*grid, "seed"})


def test_the_seed_varies_fastest():
    trials = expand({"head": ["mlp", "bilstm"], "seed": [0, 1]})
    assert [(t.options.head, t.options.seed) for t in trials] == [
        ("mlp", 0), ("mlp", 1), ("bilstm", 0), ("bilstm", 1)
    ]  # fmt: skip


def test_gamma_applies_to_the_focal_loss_only():
    trials = expand(
        {"head": "mlp", "loss": ["cross-entropy", "focal"], "gamma": [0.5, 1, 5], "seed": 0}
    )
    assert [(t.options.loss, t.options.gamma) for t in trials] == [
        ("cross-entropy", TrainingOptions.gamma), ("focal", 0.5), ("focal", 1.0), ("focal", 5.0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "others", "expected"),
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
def test_settings_of_the_command_line(given, others, expected):
    assert given_values(given, others) == expected


@pytest.mark.parametrize(
    ("given", "others", "message"),
    [
        ({"window": "x"}, [], "window: must be a valid integer.*, not 'x'"),
        ({"seed": "2-"}, [], "seed: must be a valid integer.*, not '2-'"),
        ({}, ["patience"], "--set patience: write NAME=VALUES"),
        ({}, ["colour=1"], "no setting 'colour': choose from head, window, reach"),
    ],
)
def test_mistakes_on_the_command_line(given, others, message):
    with pytest.raises(UserError, match=message):
        given_values(given, others)


def test_an_experiment_file(tmp_path):
    path = tmp_path / "experiment.toml"
    path.write_text(
        '[corpus]\npath = "novels"\nboundary = "indent"\n'
        '[[grid]]\nhead = "mlp"\nwindow = [1, 2]\nseed = [0, 1]\n'
        '[[grid]]\nhead = ["mlp", "bilstm"]\nwindow = 2\nseed = 0\nencoder = "minilm"\n'
        '[[grid]]\nhead = "mlp"\nwindow = 1\nseed = 1\n'
    )
    experiment = read_experiment(path)
    assert experiment.corpus == {"path": str(tmp_path / "novels"), "boundary": "indent"}
    shown = [
        (t.options.head, t.options.window, t.options.seed, t.encoder) for t in experiment.trials
    ]
    assert shown == [
        ("mlp", 1, 0, DEFAULT_ENCODER), ("mlp", 1, 1, DEFAULT_ENCODER),
        ("mlp", 2, 0, DEFAULT_ENCODER), ("mlp", 2, 1, DEFAULT_ENCODER),
        ("mlp", 2, 0, "minilm"), ("bilstm", 2, 0, "minilm"),
    ]  # fmt: skip
    chosen = select(experiment.trials, {"head": ["mlp"], "window": [2]})
    assert [(t.options.seed, t.encoder) for t in chosen] == [
        (0, DEFAULT_ENCODER), (1, DEFAULT_ENCODER), (0, "minilm")
    ]  # fmt: skip
    with pytest.raises(UserError, match="no trial of the file has window \\[7\\]"):
        select(experiment.trials, {"window": [7]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[grid]\n", "Expected"),
        ('[[grid]]\ncolour = "red"\n', "no setting 'colour'"),
        ("[[grid]]\nwindow = 1.5\n", "window: must be a valid integer, not 1.5"),
        ("[[grid]]\nwindow = true\n", "window: must be a valid integer, not True"),
        ("[[grid]]\nhead = [[]]\n", "head: must be 'mlp', .*, not \\[\\]"),
        ("[[grid]]\nseed = []\n", "seed is an empty list"),
        ("grid = [1]\n", "\\[\\[grid\\]\\] must be an array"),
        ('corpus = "x"\n', "\\[corpus\\] must be a table"),
        ("[grid]\nseed = 1\n", "\\[\\[grid\\]\\] must be an array"),
        ('[corpus]\npath = "x"\nboundary = "y"\n', "boundary: must be 'auto', .*, not 'y'"),
        ("[corpora]\nseed = 1\n", "unknown table 'corpora'"),
        ('[corpus]\nname = "x"\n', "\\[corpus\\] has no path"),
        ('[corpus]\npath = "x"\nsize = "y"\n', "no setting 'size': choose from boundary"),
        ("[corpus]\npath = 1\n", "path: must be a valid string, not 1"),
    ],
)
def test_mistakes_in_a_file_are_reported_with_its_name(tmp_path, text, message):
    path = tmp_path / "experiment.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_experiment(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_experiment(tmp_path / "none.toml")


def test_settings_of_earlier_versions(tmp_path):
    path = tmp_path / "experiment.toml"
    path.write_text(
        '[[grid]]\nhead = "bilstm"\ncontext = "document"\nseed = 0\n'
        '[[grid]]\nhead = "local-transformer"\nwindow = [8, 16]\nseed = 0\n'
    )
    trials = read_experiment(path).trials
    assert [(t.options.head, t.options.reach) for t in trials] == [
        ("document-bilstm", None), ("local-transformer", 8), ("local-transformer", 16)
    ]  # fmt: skip
    chosen = select(trials, given_values({"window": "8"}, ["context=document"]))
    assert [t.options.reach for t in chosen] == [8]


def test_every_option_of_training_can_be_swept():
    for name, value in asdict(TrainingOptions()).items():
        if value is not None:
            assert expand({name: value})
