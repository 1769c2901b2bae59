"""Names of heads, now and in earlier versions, and options that they do not have."""

import json

import pytest
import torch
from safetensors.torch import save_file

from embedcache import UserError
from segclf.heads import names
from segclf.heads.registry import DOCUMENT_HEADS, WINDOW_HEADS, make_head
from segclf.training.options import TrainingOptions
from segclf.workspace.runs import read_run


def test_every_name_has_a_head():
    assert tuple(WINDOW_HEADS) == names.WINDOW_HEAD_NAMES
    assert tuple(DOCUMENT_HEADS) == names.DOCUMENT_HEAD_NAMES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"head": "mlp"},
            "mlp has the context window, not document: choose from document-bilstm, local",
        ),
        (
            {"head": "linear-transformer", "window": 8},
            "linear-transformer reads the whole document",
        ),
        ({"head": "local-transformer", "reach": 0}, "reach: must be greater than or equal to 1"),
        ({"head": "linear-transformer", "reach": 8}, "linear-transformer has no reach"),
        ({"head": "document-bilstm", "crop": 0}, "crop: must be greater than 0, not 0"),
        ({"context": "page"}, "context: must be 'window' or 'document', not 'page'"),
        ({"context": "window", "crop": 8}, "crop is for document heads, not mlp"),
        ({"context": "window", "head": "local-transformer"}, "leave out the option context"),
    ],
)
def test_options_without_effect_are_reported(change, message):
    with pytest.raises(UserError, match=message):
        TrainingOptions.from_settings({"context": "document"} | change)


@pytest.mark.parametrize(
    ("name", "context", "found"),
    [
        (None, None, ("mlp", "window")),
        (None, "document", ("document-bilstm", "document")),
        ("bilstm", None, ("bilstm", "window")),
        ("local-transformer", None, ("local-transformer", "document")),
        ("linear-transformer", "document", ("linear-transformer", "document")),
        ("bilstm", "document", ("document-bilstm", "document")),  # its name in earlier versions
    ],
)
def test_a_head_is_found_by_its_name_or_by_its_context(name, context, found):
    options = TrainingOptions.from_settings({"head": name, "context": context})
    assert (options.head, options.context) == found


def test_a_window_of_local_transformer_is_read_as_its_reach():
    options = TrainingOptions.from_settings({"head": "local-transformer", "window": 8})
    assert options == TrainingOptions(head="local-transformer", reach=8)
    with pytest.raises(UserError, match="leave out the option window"):
        TrainingOptions(head="local-transformer", window=8)


def test_a_run_of_an_earlier_version_has_the_current_names(tmp_path):
    head = make_head("document-bilstm", 8)
    save_file(head.state_dict(), tmp_path / "weights.safetensors")
    options = {"head": "bilstm", "context": "document", "window": None}
    record = {
        "format": 1,
        "options": options,
        "dim": 8,
        "farthest": 2.5,
        "threshold": 0.5,
        "encoder": None,
    }
    (tmp_path / "run.json").write_text(json.dumps(record))
    run = read_run(tmp_path)
    assert run.record.head == "document-bilstm"
    loaded = run.load_head()
    assert loaded.clip_sigma == 2.5
    torch.testing.assert_close(loaded.state_dict(), head.state_dict())
