"""Options without effect, and values that are not valid numbers."""

import inspect
import math
import pickle
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields

import pytest

from embedcache import UserError
from segclf.corpus import ReadOptions
from segclf.experiments.grids import expand
from segclf.finetune.options import CrossSegmentOptions, HierarchicalOptions
from segclf.tasks.embed import embed
from segclf.tasks.statistics import find_corpus
from segclf.training.options import TrainingOptions
from segclf.workspace.workspace import Workspace
from tests.conftest import ROOT, STORIES
from tests.segclf.experiments.corpora import embed_hashes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 3.0}, "gamma 3 has no effect on the loss cross-entropy"),
        ({"gamma": 3.0, "loss": "balanced"}, "no effect on the loss balanced"),
        ({"gamma": math.nan, "loss": "focal"}, "gamma: must be a finite number, not nan"),
        ({"gamma": math.inf, "loss": "focal"}, "gamma: must be a finite number, not inf"),
        ({"gamma": -1.0, "loss": "focal"}, "gamma: must be greater than or equal to 0, not -1"),
        ({"learning_rate": math.nan}, "learning rate: must be a finite number"),
        ({"learning_rate": -1}, "learning rate: must be greater than 0, not -1"),
        ({"learning_rate": "1e-3"}, "learning rate: must be a valid number, not '1e-3'"),
        ({"weight_decay": math.nan}, "weight decay: must be a finite number"),
        ({"weight_decay": -1.0}, "weight decay: must be greater than or equal to 0, not -1"),
        ({"batch_size": 0}, "batch size: must be greater than 0, not 0"),
        ({"batch_size": 1 << 63}, "batch size: must be less than or equal to 1048576"),
        ({"epochs": 1 << 63}, "epochs: must be less than or equal to 9223372036854775807"),
        ({"seed": 1 << 64}, "seed: must be less than or equal to 18446744073709551615"),
        ({"seed": -1}, "seed: must be greater than or equal to 0, not -1"),
        ({"window": 0}, "window: must be greater than or equal to 1, not 0"),
        ({"window": 10**9}, "window: must be less than or equal to 4096"),
        ({"epochs": 0}, "epochs: must be greater than 0, not 0"),
        ({"epochs": True}, "epochs: must be a valid integer, not True"),
        ({"epochs": 1.5}, "epochs: must be a valid integer, not 1.5"),
        ({"crop": 8}, "crop is for document heads, not mlp"),
        ({"head": "gru"}, "head: must be 'mlp', .*, not 'gru'"),
        ({"loss": "hinge"}, "loss: must be 'cross-entropy', 'balanced' or 'focal', not 'hinge'"),
        ({"colour": 1}, "colour: unknown setting"),
    ],
)
def test_invalid_options_are_refused(options, message):
    with pytest.raises(UserError, match=message) as caught:
        TrainingOptions(**options)
    assert "\n" not in str(caught.value)


def test_a_surplus_positional_argument_is_refused():
    with pytest.raises(UserError, match="unexpected positional argument 'x': give each setting"):
        ReadOptions("line", "kuten", "ja", "utf-8", "x")


def test_defaults_are_filled_in_and_equal_options_are_equal():
    assert TrainingOptions() == TrainingOptions(head="mlp", window=4, learning_rate=5e-4)
    assert TrainingOptions(gamma=3.0, loss="focal") != TrainingOptions(loss="focal")
    local = TrainingOptions(head="local-transformer")
    assert (local.window, local.reach) == (None, 32)
    assert pickle.loads(pickle.dumps(local)) == local
    with pytest.raises(FrozenInstanceError):
        local.seed = 1


def test_a_grid_refuses_a_gamma_without_effect():
    with pytest.raises(UserError, match="gamma 3 has no effect"):
        expand({"gamma": [2.0, 3.0], "loss": ["balanced"]})


def test_options_are_read_without_torch():
    modules = "segclf.training.options, segclf.finetune.options, segclf.experiments.sweeps"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_every_option_is_documented():
    for options in (TrainingOptions, CrossSegmentOptions, HierarchicalOptions, ReadOptions):
        docs = "".join(inspect.cleandoc(kind.__doc__ or "") for kind in options.__mro__)
        for field in fields(options):
            assert re.search(rf"^    {field.name}: [A-Z].*", docs, re.MULTILINE), field.name


def test_options_of_reading_are_refused_for_an_embedded_corpus(tmp_path):
    workspace = Workspace(tmp_path)
    embed_hashes(workspace)
    assert find_corpus("stories", workspace, options=ReadOptions())[0] == "stories"
    for options in ({"options": ReadOptions("line")}, {"format_name": "plain"}, {"split": "dev"}):
        with pytest.raises(UserError, match="leave out the options"):
            find_corpus("stories", workspace, **options)


def test_an_unsupported_dtype_is_refused(tmp_path):
    story = STORIES / "eki.txt"
    with pytest.raises(UserError, match="leave out --dtype"):
        embed(story, Workspace(tmp_path), encoder_name="surface", dtype="float16")
