"""Options without effect, and numbers that are none."""

import math

import pytest

from embedcache import UserError
from segclf.corpus import ReadOptions
from segclf.experiments.grids import Trial, expand
from segclf.experiments.sweeps import find_runs
from segclf.tasks.embed import embed
from segclf.tasks.statistics import find_corpus
from segclf.training.losses import make_loss
from segclf.training.options import TrainingOptions, check_options, resolve
from segclf.workspace.workspace import Workspace
from tests.conftest import STORIES
from tests.segclf.experiments.test_sweeps import embed_hashes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 3.0}, "gamma 3 has no effect on the loss cross-entropy"),
        ({"gamma": 3.0, "loss": "balanced"}, "no effect on the loss balanced"),
        ({"gamma": math.nan, "loss": "focal"}, "gamma must be at least 0, not nan"),
        ({"gamma": math.inf, "loss": "focal"}, "gamma must be at least 0, not inf"),
        ({"learning_rate": math.nan}, "learning rate is nan"),
        ({"learning_rate": math.inf}, "learning rate is inf"),
        ({"weight_decay": math.nan}, "weight decay is nan"),
        ({"window": 10**9}, "window must be 1 to 4,096"),
        ({"crop": 8}, "crop is for heads on documents"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        check_options(TrainingOptions(**options))


def test_a_gamma_without_effect_makes_no_other_run(tmp_path):
    assert resolve(TrainingOptions(gamma=3.0)) == resolve(TrainingOptions())
    focal = resolve(TrainingOptions(gamma=3.0, loss="focal"))
    assert focal != resolve(TrainingOptions(loss="focal"))
    with pytest.raises(UserError, match="gamma 3 has no effect"):
        expand({"gamma": [2.0, 3.0], "loss": ["balanced"]})
    workspace = Workspace(tmp_path)
    embed_hashes(workspace)
    trial = Trial(TrainingOptions(gamma=3.0))
    assert not find_runs(workspace, [trial], workspace.load_corpus())


def test_a_loss_refuses_a_gamma_that_is_no_number():
    with pytest.raises(UserError, match="gamma must be at least 0, not nan"):
        make_loss("focal", 0.1, gamma=math.nan)


def test_how_to_read_a_path_means_nothing_for_an_embedded_corpus(tmp_path):
    workspace = Workspace(tmp_path)
    embed_hashes(workspace)
    assert find_corpus("stories", workspace, options=ReadOptions())[0] == "stories"
    for options in ({"options": ReadOptions("line")}, {"format_name": "plain"}, {"split": "dev"}):
        with pytest.raises(UserError, match="leave out the options"):
            find_corpus("stories", workspace, **options)


def test_a_dtype_that_no_encoder_takes_is_refused(tmp_path):
    story = STORIES / "eki.txt"
    with pytest.raises(UserError, match="leave --dtype out"):
        embed(story, Workspace(tmp_path), encoder_name="surface", dtype="float16")
