"""Heads that read a window of sentences, and their layers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence

from segclf.heads.base import Dropout
from segclf.heads.recurrence import run_lstm
from segclf.heads.registry import WINDOW_HEADS, make_head
from segclf.heads.transformer import sinusoidal_encodings
from segclf.inputs.sentence_tensors import look_up
from segclf.inputs.windows import OUTSIDE, windows_of
from segclf.scoring.metrics import precision_recall_f1
from segclf.training.loop import train_head
from segclf.training.options import TrainingOptions
from tests.segclf.topics import examples_for, topics, word_topics


@pytest.mark.parametrize("name", WINDOW_HEADS)
def test_a_head_learns_where_topics_change(name):
    options = TrainingOptions(
        head=name, window=2, epochs=8, patience=8, batch_size=32, learning_rate=1e-3
    )
    documents = (
        4 if WINDOW_HEADS[name].reads_words else 30
    )  # an LSTM over words is slow and learns fast
    train, dev = examples_for(name, 0, documents=documents), examples_for(name, 1, documents=2)
    trained = train_head(train, dev, options)
    test = examples_for(name, 2, documents=2)
    decided = trained.head.predict(test) >= trained.best.threshold
    assert precision_recall_f1(test.layout, decided)[2] > 0.8
    assert not trained.collapsed
    assert trained.history[0].epoch == 0


@pytest.mark.parametrize("name", WINDOW_HEADS)
@pytest.mark.parametrize("window", [1, 3])
def test_a_head_depends_on_its_window_only(name, window):
    head = make_head(name, 16, window=window).eval()
    examples = examples_for(name, 0, documents=2, length=15)
    before = head.predict(examples)
    changed = examples.vectors.copy()
    changed[10] = changed[11] if examples.table is not None else changed[10] + 1
    after = head.predict(replace(examples, vectors=changed))
    saw = (windows_of(examples.layout, window) == 10).any(axis=1)
    assert (np.abs(after - before)[saw] > 0).all()
    np.testing.assert_allclose(after[~saw], before[~saw], atol=1e-6)


def test_the_vector_of_a_sentence_does_not_depend_on_longer_sentences():
    head = make_head("wordlstm", 16, window=1).eval()
    examples = word_topics(0, documents=1)
    short = (examples.vectors >= 0).sum(axis=1) < 5
    vectors = torch.from_numpy(examples.vectors)
    table = torch.from_numpy(examples.table)
    with torch.inference_mode():
        together = head.represent(look_up(vectors, table))[short]
        alone = head.represent(look_up(vectors[short], table))
    np.testing.assert_allclose(together.numpy(), alone.numpy(), atol=1e-6)


def test_wordlstm_agrees_with_the_lstm_of_torch_on_packed_words():
    torch.manual_seed(0)
    head = make_head("wordlstm", 16, window=1).eval()
    examples = word_topics(0, documents=1, length=30)
    words = look_up(torch.from_numpy(examples.vectors), torch.from_numpy(examples.table))
    lengths = (torch.from_numpy(examples.vectors) >= 0).sum(dim=1)
    projected = head.project_vectors(words.table)[words.rows]  # (s, l, h)
    packed = pack_padded_sequence(projected, lengths, batch_first=True, enforce_sorted=False)
    _, (last, _) = head.lstm(packed)  # (2, s, h / 2)
    expected = last.transpose(0, 1).flatten(1)
    ours = head.represent(words)
    torch.testing.assert_close(ours, expected)
    weights = [*head.lstm.parameters(), *head.project.parameters()]
    for gradient, reference in zip(
        torch.autograd.grad(ours.square().sum(), weights),
        torch.autograd.grad(expected.square().sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(gradient, reference)


def test_run_lstm_agrees_with_torch_on_sequences_of_one_row():
    lstm = torch.nn.LSTM(5, 3, batch_first=True, bidirectional=True)
    rows = torch.randn(3, 5, requires_grad=True)
    inputs = [rows, *lstm.parameters()]
    ours = run_lstm(lstm, rows, torch.arange(3).expand(2, 3), [3])
    theirs = lstm(rows[:, None])[0][:, 0].unflatten(1, (2, 3)).transpose(0, 1)
    torch.testing.assert_close(ours, theirs)
    gradients = (torch.autograd.grad(states.square().sum(), inputs) for states in (ours, theirs))
    torch.testing.assert_close(*gradients)


def test_vectors_are_standardized_by_the_training_split():
    examples = topics(0)
    head = make_head("mlp", 16, window=1)
    vectors = torch.from_numpy(examples.vectors * 5 + 3)
    head.standardize_by(vectors)
    standard = (vectors - head.mean) * head.scale
    assert standard.mean(dim=0).abs().max() < 1e-4
    assert (standard.std(dim=0) - 1).abs().max() < 1e-4


def test_positional_encodings_are_those_of_the_paper():
    table = sinusoidal_encodings(50, 8).numpy()
    position, i = 17, 2
    angle = position / 10_000 ** (2 * i / 8)
    np.testing.assert_allclose(
        table[position, 2 * i : 2 * i + 2], [np.sin(angle), np.cos(angle)], atol=1e-5
    )


def test_bilstm_agrees_with_the_lstm_of_torch():
    torch.manual_seed(0)
    head = make_head("bilstm", 8, window=3).eval()
    vectors = torch.randn(20, 8)
    windows = torch.arange(10)[:, None] + torch.arange(6)
    windows[0, :2] = OUTSIDE
    windows[-1, -1] = OUTSIDE
    states, _ = head.lstm(head.gather(vectors, windows))
    expected = head.classify(states[:, 2:4].flatten(1)).squeeze(1)
    ours = head(vectors, windows)
    torch.testing.assert_close(ours, expected)
    weights = list(head.parameters())
    for gradient, reference in zip(
        torch.autograd.grad(ours.square().sum(), weights),
        torch.autograd.grad(expected.square().sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(gradient, reference)


@given(rate=st.sampled_from([0.1, 0.3, 0.5]), size=st.integers(1000, 3000))
def test_dropout_has_its_rate_and_keeps_the_mean(rate, size):
    dropped = Dropout(rate)(torch.ones(size))
    share = float((dropped == 0).float().mean())
    assert abs(share - rate) < 5 * (rate * (1 - rate) / size) ** 0.5 + 1 / 256
    kept = dropped[dropped != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - round(rate * 256) / 256)))
    assert torch.equal(Dropout(rate).eval()(torch.ones(5)), torch.ones(5))
