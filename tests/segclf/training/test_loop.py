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
        head = train_head(topics(0, documents=2), topics(1, documents=1), options).head
        return torch.cat([p.flatten() for p in head.parameters()])

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


def test_the_largest_values_of_options_work():
    largest = {"batch_size": 1 << 20, "crop": 1 << 20, "epochs": (1 << 63) - 1}
    options = TrainingOptions(head="document-bilstm", patience=1, seed=(1 << 64) - 1, **largest)
    train_head(topics(0, documents=2), topics(1, documents=1), options)


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
def test_a_gpu_is_used_only_if_it_is_named(monkeypatch, devices_used):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    options = TrainingOptions(head="mlp", window=1, epochs=1)
    train_head(topics(0, documents=2), topics(1, documents=1), options)
    assert devices_used == {"cpu"}
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
    ("sentences", "message"),
    [
        (0, "no dev split: put texts into a folder named dev"),
        (1, "no document in the dev split has more than one sentence"),
        (150, "the dev split has no boundary"),
    ],
)
def test_a_dev_split_that_cannot_be_scored_is_refused(sentences, message):
    examples = topics(0)
    offsets = np.unique([0, sentences])  # no document if there is no sentence
    dev = Examples(examples.vectors[:sentences], Layout.unlabelled(offsets))
    with pytest.raises(UserError, match=message):
        train_head(examples, dev, TrainingOptions())


def test_a_loss_that_is_nan_ends_training_with_an_error():
    options = TrainingOptions(head="mlp", window=1, learning_rate=1e30)
    with pytest.raises(UserError, match="the loss is nan in epoch 1: use a lower --learning-rate"):
        train_head(topics(0), topics(1), options)


def test_weights_that_are_infinite_after_the_last_step_end_training_with_an_error():
    options = TrainingOptions(head="mlp", window=1, epochs=1, batch_size=4096, learning_rate=1e12)
    with pytest.raises(UserError, match="the loss is nan in epoch 1: use a lower --learning-rate"):
        train_head(topics(0, documents=2), topics(1, documents=1), options)


def test_a_schedule_of_any_length_runs():
    small = topics(0, documents=1, length=30)
    for epochs in range(1, 13):
        options = TrainingOptions(head="mlp", window=1, epochs=epochs, patience=20, batch_size=999)
        assert len(train_head(small, small, options).history) == epochs + 1
