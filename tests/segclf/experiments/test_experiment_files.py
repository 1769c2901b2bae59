"""Experiment files, and the trials that they define."""

import pytest

from embedcache import UserError
from segclf.corpus import ReadOptions
from segclf.experiments.corpora import embed_experiment
from segclf.experiments.experiment_files import CorpusSettings, Experiment, read_experiment
from segclf.experiments.grids import expand, given_values, select
from segclf.training.options import TrainingOptions
from segclf.workspace.encoders import DEFAULT_ENCODER
from segclf.workspace.workspace import Workspace


def test_a_file_defines_a_corpus_and_trials(tmp_path):
    path = tmp_path / "experiment.toml"
    path.write_text(
        '[corpus]\npath = "novels"\nboundary = "indent"\n'
        '[[grid]]\nhead = "mlp"\nwindow = [1, 2]\nseed = [0, 1]\n'
        '[[grid]]\nhead = ["mlp", "bilstm"]\nwindow = 2\nseed = 0\nencoder = "minilm"\n'
        '[[grid]]\nhead = "mlp"\nwindow = 1\nseed = 1\n'
    )
    experiment = read_experiment(path)
    assert experiment.corpus == CorpusSettings(
        str(tmp_path / "novels"), options=ReadOptions(boundary="indent")
    )
    shown = [
        (trial.options.head, trial.options.window, trial.options.seed, trial.encoder)
        for trial in experiment.trials
    ]
    assert shown == [
        ("mlp", 1, 0, DEFAULT_ENCODER), ("mlp", 1, 1, DEFAULT_ENCODER),
        ("mlp", 2, 0, DEFAULT_ENCODER), ("mlp", 2, 1, DEFAULT_ENCODER),
        ("mlp", 2, 0, "minilm"), ("bilstm", 2, 0, "minilm"),
    ]  # fmt: skip


def test_trials_are_selected_by_their_settings():
    trials = expand({"head": ["mlp", "bilstm"], "window": [1, 2], "seed": [0, 1]})
    chosen = select(trials, {"head": ["mlp"], "window": [2]})
    assert [trial.options for trial in chosen] == [
        TrainingOptions(head="mlp", window=2, seed=seed) for seed in (0, 1)
    ]
    with pytest.raises(UserError, match="no trial in the file has window 7"):
        select(trials, {"window": [7]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[grid]\n", "Expected"),
        ('[[grid]]\ncolour = "red"\n', "unknown setting 'colour'"),
        ("[[grid]]\nwindow = 1.5\n", "window: must be a valid integer, not 1.5"),
        ("[[grid]]\nwindow = true\n", "window: must be a valid integer, not True"),
        ("[[grid]]\nhead = [[]]\n", "head: must be 'mlp', .*, not \\[\\]"),
        ("[[grid]]\nseed = []\n", "seed is an empty list"),
        ("grid = []\n", "\\[\\[grid\\]\\] must be an array"),
        ("grid = [1]\n", "\\[\\[grid\\]\\] must be an array"),
        ('corpus = "x"\n', "\\[corpus\\] must be a table"),
        ("[grid]\nseed = 1\n", "\\[\\[grid\\]\\] must be an array"),
        ('[corpus]\npath = "x"\nboundary = "y"\n', "boundary: must be 'auto', .*, not 'y'"),
        ('[corpus]\npath = "x"\nformat = "y"\n', "format: must be 'auto', 'plain', .*, not 'y'"),
        ("[corpora]\nseed = 1\n", "unknown table 'corpora'"),
        ('[corpus]\nname = "x"\n', "\\[corpus\\] has no path"),
        ("[corpus]\n[[grid]]\nseed = 1\n", "\\[corpus\\] has no path"),
        ('[corpus]\npath = "x"\nsize = "y"\n', "unknown setting 'size': choose from path, name"),
        ('[corpus]\npath = "x"\nsentences = "y"\n', "sentences: unknown sentence rule 'y'"),
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


def test_settings_of_earlier_versions_are_translated(tmp_path):
    path = tmp_path / "experiment.toml"
    path.write_text(
        '[[grid]]\nhead = "bilstm"\ncontext = "document"\nseed = 0\n'
        '[[grid]]\nhead = "local-transformer"\nwindow = [8, 16]\nseed = 0\n'
    )
    trials = read_experiment(path).trials
    assert [(trial.options.head, trial.options.reach) for trial in trials] == [
        ("document-bilstm", None), ("local-transformer", 8), ("local-transformer", 16)
    ]  # fmt: skip
    chosen = select(trials, given_values({"window": "8"}, ["context=document"]))
    assert [trial.options.reach for trial in chosen] == [8]


def test_an_experiment_without_trials_embeds_no_corpus(tmp_path):
    workspace = Workspace(tmp_path / "work")
    experiment = Experiment(CorpusSettings(str(tmp_path)), [])
    with pytest.raises(UserError, match="the sweep has no trials"):
        embed_experiment(workspace, experiment)
    assert not workspace.path.exists()
