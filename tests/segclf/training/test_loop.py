"""Training of heads."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from embedcache import UserError
from segclf.corpus.layout import Layout
from segclf.inputs.examples import Examples
from segclf.training.loop import train_head
from segclf.training.options import TrainingOptions
from tests.segclf.topics import topics, word_topics


def test_the_weights_depend_on_the_seed_only():
    def weights(seed):
        options = TrainingOptions(head="bilstm", window=2, epochs=2, seed=seed)
        head = train_head(topics(0), topics(1, documents=2), options).head
        return torch.cat([p.flatten() for p in head.parameters()])

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


@pytest.mark.parametrize(("given", "expected"), [({}, 1), ({"threads": 2}, 2)])
def test_a_head_is_trained_with_one_thread_by_default(threads_used, given, expected):
    before = torch.get_num_threads()
    options = TrainingOptions(head="mlp", window=1, epochs=1)
    train_head(topics(0, documents=2), topics(1, documents=1), options, **given)
    assert threads_used == {expected}
    assert torch.get_num_threads() == before


@pytest.mark.skipif(
    torch.backends.cuda.is_built() and not torch.cuda.is_available(),
    reason="a build of torch for CUDA cannot pretend that there is a GPU",
)
def test_a_gpu_is_used_only_if_it_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    options = TrainingOptions(head="mlp", window=1, epochs=1)
    trained = train_head(topics(0, documents=2), topics(1, documents=1), options)
    assert trained.head.mean.device.type == "cpu"
    with pytest.raises(UserError, match="--device cuda:99: "):
        train_head(topics(0), topics(1), options, device="cuda:99")


@pytest.mark.parametrize(
    ("name", "examples", "message"),
    [
        ("wordlstm", topics(0), "wordlstm reads words: .*--pooling tokens"),
        ("mlp", word_topics(0), "mlp reads one vector per sentence.*--head wordlstm"),
    ],
)
def test_a_head_refuses_what_it_cannot_read(name, examples, message):
    with pytest.raises(UserError, match=message):
        train_head(examples, examples, TrainingOptions(head=name))


def test_a_head_that_cannot_learn_is_reported_as_collapsed():
    examples = topics(0)
    blind = replace(examples, vectors=np.zeros_like(examples.vectors))
    trained = train_head(blind, blind, TrainingOptions(head="mlp", window=1, epochs=1))
    assert trained.collapsed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head": "gru"}, "head: must be 'mlp', 'bilstm', .*, not 'gru'"),
        ({"window": 0}, "window: must be greater than or equal to 1, not 0"),
        ({"loss": "hinge"}, "loss: must be 'cross-entropy', .*, not 'hinge'"),
        ({"epochs": 0}, "epochs: must be greater than 0, not 0"),
        ({"learning_rate": -1.0}, "learning rate: must be greater than 0, not -1"),
        ({"batch_size": 0}, "batch size: must be greater than 0, not 0"),
        ({"seed": -1}, "seed: must be greater than or equal to 0, not -1"),
        ({"weight_decay": -1.0}, "weight decay: must be greater than or equal to 0, not -1"),
    ],
)
def test_options_out_of_range_are_errors(change, message):
    with pytest.raises(UserError, match=message):
        TrainingOptions(**change)


def test_a_split_without_boundaries_is_an_error():
    examples = topics(0)
    unlabelled = replace(examples, layout=Layout.unlabelled(examples.layout.offsets))
    with pytest.raises(UserError, match="the dev split has no boundary"):
        train_head(examples, unlabelled, TrainingOptions())
    empty = Examples(examples.vectors[:0], Layout.unlabelled(np.array([0])))
    with pytest.raises(UserError, match="no dev split: put texts into a folder named dev"):
        train_head(examples, empty, TrainingOptions())
    single = Examples(examples.vectors[:1], Layout.unlabelled(np.array([0, 1])))
    with pytest.raises(UserError, match="no document in the dev split has more than one sentence"):
        train_head(examples, single, TrainingOptions())


def test_a_loss_that_is_nan_ends_training_with_an_error():
    options = TrainingOptions(head="mlp", window=1, learning_rate=1e30)
    with pytest.raises(UserError, match="the loss is nan in epoch 1: use a lower --learning-rate"):
        train_head(topics(0), topics(1), options)


def test_a_schedule_of_any_length_runs():
    small = topics(0, documents=1, length=30)
    for epochs in range(1, 13):
        options = TrainingOptions(head="mlp", window=1, epochs=epochs, patience=20, batch_size=999)
        assert len(train_head(small, small, options).history) == epochs + 1
