"""Inputs and outputs of the hierarchical system."""

import json
import shutil
from typing import get_args

import numpy as np
import pytest
import torch

from embedcache import UserError, load_encoder
from segclf.finetune.options import HierarchicalOptions, UpperName
from segclf.inputs.windows import windows_of
from tests.segclf.finetune.toy import PRECISIONS, TOLERANCES, corpus, system_and_text


def test_a_batch_encodes_each_sentence_once_and_trains_the_encoder(tiny_bert):
    system, text = system_and_text(tiny_bert, HierarchicalOptions(sentences=3))
    encoded = []
    system.backbone.register_forward_pre_hook(lambda _, rows: encoded.extend(rows[0].ids.tolist()))
    group = system.groups(text, 32, np.random.default_rng(0))[1]
    system(text, group).sum().backward()
    around = windows_of(text.layout, 3)[group]
    assert len(encoded) == len(np.unique(around[around >= 0])) < 2 * len(group)
    for name, parameter in system.backbone.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0 or "key.bias" in name, name


@pytest.mark.parametrize("upper", get_args(UpperName))
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_every_head_depends_on_its_window_only(tiny_bert, upper, pooling):
    options = HierarchicalOptions(upper=upper, sentences=2, pooling=pooling)
    text = corpus(documents=2, length=12)
    system, tokens = system_and_text(tiny_bert, options, text)
    before = system.predict(tokens)
    sentences = [*text.sentences[:5], "前前前", *text.sentences[6:]]
    after = system.predict(system.backbone.tokenize(sentences, text.layout))
    saw = (windows_of(text.layout, 2) == 5).any(axis=1)
    assert (np.abs(after - before)[saw] > 1e-7).all()
    np.testing.assert_allclose(after[~saw], before[~saw], atol=1e-5)
    with torch.inference_mode():
        together = torch.sigmoid(system(tokens, np.arange(24)))
    np.testing.assert_allclose(before, together, atol=1e-5)


@pytest.mark.parametrize("size", [1, 6, 64])
def test_groups_contain_every_candidate_once_with_its_neighbours(tiny_bert, size):
    system, text = system_and_text(tiny_bert, HierarchicalOptions())
    groups = system.groups(text, size, np.random.default_rng(0))
    grouped = np.concatenate(groups)
    assert sorted(grouped) == np.flatnonzero(text.layout.is_candidate).tolist()
    assert max(map(len, groups)) <= size
    if size == 64:
        assert np.mean(np.diff(grouped) == 1) > 0.9


@pytest.mark.parametrize("precision", PRECISIONS)
def test_mean_pooling_ignores_padding(tiny_bert, precision):
    options = HierarchicalOptions(pooling="mean")
    system, text = system_and_text(tiny_bert, options, precision=precision)
    system.eval()
    with torch.inference_mode():
        together = system.encode(text, np.arange(20))
        alone = torch.cat([system.encode(text, np.array([i])) for i in range(20)])
    torch.testing.assert_close(together, alone, **TOLERANCES[precision])


@pytest.mark.parametrize(
    ("model", "positions"), [("tiny_bert", 64), ("tiny_roberta", 38)], ids=["bert", "roberta"]
)
def test_a_long_sentence_is_cut_at_the_last_position(request, model, positions):
    text = corpus(documents=1, length=3)
    text.sentences[1] = "夜" * 500
    folder = request.getfixturevalue(model)
    system, tokens = system_and_text(folder, HierarchicalOptions(), text)
    assert system.backbone.max_tokens == load_encoder(folder).max_tokens == positions
    assert np.isfinite(system.predict(tokens)).all()


def test_a_transformer_in_a_subfolder_is_found(tiny_bert, tmp_path):
    shutil.copytree(tiny_bert, tmp_path / "0_Transformer")
    module = {"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}
    (tmp_path / "modules.json").write_text(json.dumps([module | {"idx": 0, "name": "0"}]))
    system, _ = system_and_text(str(tmp_path), HierarchicalOptions())
    expected, _ = system_and_text(tiny_bert, HierarchicalOptions())
    found = system.backbone.state_dict()
    for name, weights in expected.backbone.state_dict().items():
        torch.testing.assert_close(found[name], weights, atol=0, rtol=0)


def test_options_out_of_range_are_errors():
    with pytest.raises(UserError, match=r"upper: must be 'concatenate', .*, not 'gru'"):
        HierarchicalOptions(upper="gru")
    with pytest.raises(UserError, match="sentences: must be greater than or equal to 1, not 0"):
        HierarchicalOptions(sentences=0)
