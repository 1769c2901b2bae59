"""Heads and training."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence

from embedcache import UserError
from segclf.corpus.layout import Layout
from segclf.heads.base import BaseHead, Dropout
from segclf.heads.recurrence import run_lstm
from segclf.heads.registry import HEADS, make_head
from segclf.heads.transformer import sinusoidal_positions
from segclf.inputs.examples import Examples, look_up
from segclf.inputs.window_batches import WindowBatches
from segclf.inputs.windows import OUTSIDE, windows_of
from segclf.scoring.metrics import precision_recall_f1
from segclf.training.loop import train_head
from segclf.training.options import TrainingOptions


def topics(seed, documents=6, length=150, dim=16):
    """Sentences whose vectors change where a paragraph begins."""
    random = np.random.default_rng(seed)
    n = documents * length
    labels = random.random(n) < 0.2
    offsets = np.arange(0, n + 1, length)
    labels[offsets[:-1]] = True
    centres = random.standard_normal((labels.sum(), dim))
    vectors = centres[np.cumsum(labels) - 1] + 0.3 * random.standard_normal((n, dim))
    return Examples(vectors.astype(np.float32), Layout(labels, offsets))


def word_topics(seed, documents=6, length=150, dim=16):
    """Sentences whose words change where a paragraph begins: 12 topics of 10 words each."""
    plain = topics(seed, documents, length, dim)
    random = np.random.default_rng(seed + 100)
    labels = plain.layout.labels
    n = len(labels)
    topic = np.cumsum(random.integers(1, 12, n) * labels) % 12
    words = (topic[:, None] * 10 + random.integers(0, 10, (n, 8))).astype(np.int32)
    words[np.arange(8) >= random.integers(3, 9, n)[:, None]] = -1
    matrix = np.random.default_rng(99).standard_normal((12, 1, dim)).repeat(10, axis=1)
    matrix += 0.3 * np.random.default_rng(98).standard_normal(matrix.shape)
    matrix = matrix.reshape(-1, dim).astype(np.float32)
    return Examples.of_words(words, matrix, plain.layout)


def examples_for(name, *arguments, **options):
    make = word_topics if HEADS[name].reads_words else topics
    return make(*arguments, **options)


@pytest.mark.parametrize("name", HEADS)
def test_a_head_learns_where_topics_change(name):
    options = TrainingOptions(
        head=name, window=2, epochs=8, patience=8, batch_size=32, learning_rate=1e-3
    )
    documents = 4 if HEADS[name].reads_words else 30  # an LSTM over words is slow and learns fast
    train, dev = examples_for(name, 0, documents=documents), examples_for(name, 1, documents=2)
    trained = train_head(train, dev, options)
    test = examples_for(name, 2, documents=2)
    decided = trained.head.predict(test) >= trained.best.threshold
    assert precision_recall_f1(test.layout, decided)[2] > 0.8
    assert not trained.collapsed
    assert trained.history[0].epoch == 0


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("window", [1, 3])
def test_a_head_sees_its_window_and_nothing_else(name, window):
    head = make_head(name, 16, window=window).eval()
    examples = examples_for(name, 0, documents=2, length=15)
    before = head.predict(examples)
    changed = examples.vectors.copy()
    changed[10] = changed[11] if examples.table is not None else changed[10] + 1
    after = head.predict(replace(examples, vectors=changed))
    saw = (windows_of(examples.layout, window) == 10).any(axis=1)
    assert (np.abs(after - before)[saw] > 0).all()
    np.testing.assert_allclose(after[~saw], before[~saw], atol=1e-6)


def test_the_same_seed_gives_the_same_weights_and_another_gives_others():
    def weights(seed):
        options = TrainingOptions(head="bilstm", window=2, epochs=2, seed=seed)
        head = train_head(topics(0), topics(1, documents=2), options).head
        return torch.cat([p.flatten() for p in head.parameters()])

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


@pytest.mark.parametrize(("given", "expected"), [({}, 1), ({"threads": 3}, 3)])
def test_a_head_computes_with_one_thread_unless_told_otherwise(given, expected):
    used = []
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        train, dev = topics(0, documents=2), topics(1, documents=1)
        options = TrainingOptions(head="mlp", window=1, epochs=1)
        train_head(train, dev, options, lambda _: used.append(torch.get_num_threads()), **given)
        assert set(used) == {expected}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_gpu_is_used_only_if_it_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    options = TrainingOptions(head="mlp", window=1, epochs=1)
    trained = train_head(topics(0, documents=2), topics(1, documents=1), options)
    assert trained.head.mean.device.type == "cpu"
    with pytest.raises(UserError, match="--device cuda:99: "):
        train_head(topics(0), topics(1), options, device="cuda:99")


@pytest.mark.parametrize("batch_size", [1, 8, 12, 64])
@pytest.mark.parametrize("window", [1, 4])
def test_an_epoch_shows_every_candidate_once_with_its_own_window(window, batch_size):
    examples = topics(0, documents=3, length=37)
    n = len(examples.layout)
    numbered = Examples(
        np.repeat(np.arange(n, dtype=np.float32)[:, None], 2, axis=1), examples.layout
    )
    batches = WindowBatches(numbered, window, batch_size, "cpu")
    expected = windows_of(examples.layout, window)
    seen = []
    steps = 0
    for batch in batches.epoch(np.random.default_rng(0)):
        steps += 1
        assert len(batch.targets) <= batch_size
        positions = batch.sentences[:, 0].long()
        shown = torch.where(batch.index == OUTSIDE, OUTSIDE, positions[batch.index])
        candidate = shown[:, window].numpy()
        seen += candidate.tolist()
        assert np.array_equal(shown.numpy(), expected[candidate])
        assert np.array_equal(batch.targets.numpy(), examples.layout.labels[candidate])
    assert sorted(seen) == np.flatnonzero(examples.layout.is_candidate).tolist()
    assert steps <= len(batches)


def test_words_are_looked_up_in_the_table_of_those_that_occur():
    matrix = np.arange(100, dtype=np.float32).reshape(50, 2)
    words = np.array([[7, 3, -1, -1], [-1, -1, -1, -1], [3, 49, 7, -1]], dtype=np.int32)
    examples = Examples.of_words(words, matrix, Layout.unlabelled(np.array([0, 3])))
    assert (len(examples.table), examples.dim) == (4, 2)
    vectors, table = torch.from_numpy(examples.vectors), torch.from_numpy(examples.table)
    expected = np.where((words >= 0)[..., None], matrix[words], 0)[:, :3]
    for some in ([0, 1, 2], [0, 1]):
        found = look_up(vectors[some], table)
        longest = (words[some] >= 0).sum(axis=1).max()  # no longer than the longest sentence
        assert np.array_equal(found.table[found.rows], expected[some, :longest])
        occur = len(np.unique(words[some])) - 1
        assert len(found.table) == occur + 1  # and one of zeros
    only_unknown = look_up(vectors[[1]], table)
    assert np.array_equal(only_unknown.table[only_unknown.rows], np.zeros((1, 1, 2)))


def test_the_length_of_other_sentences_changes_nothing():
    head = make_head("wordlstm", 16, window=1).eval()
    examples = word_topics(0, documents=1)
    short = (examples.vectors >= 0).sum(axis=1) < 5
    vectors = torch.from_numpy(examples.vectors)
    table = torch.from_numpy(examples.table)
    with torch.inference_mode():
        together = head.represent(look_up(vectors, table))[short]
        alone = head.represent(look_up(vectors[short], table))
    np.testing.assert_allclose(together.numpy(), alone.numpy(), atol=1e-6)


def test_the_wordlstm_is_torchs_lstm_over_packed_words():
    torch.manual_seed(0)
    head = make_head("wordlstm", 16, window=1).eval()
    examples = word_topics(0, documents=1, length=30)
    words = look_up(torch.from_numpy(examples.vectors), torch.from_numpy(examples.table))
    lengths = (torch.from_numpy(examples.vectors) >= 0).sum(dim=1)
    projected = BaseHead.represent(head, words)[words.rows]  # (s, l, h)
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


def test_sequences_of_one_row_are_torchs_too():
    lstm = torch.nn.LSTM(5, 3, batch_first=True, bidirectional=True)
    rows = torch.randn(3, 5, requires_grad=True)
    inputs = [rows, *lstm.parameters()]
    ours = run_lstm(lstm, rows, torch.arange(3).expand(2, 3), [3])
    theirs = lstm(rows[:, None])[0][:, 0].unflatten(1, (2, 3)).transpose(0, 1)
    torch.testing.assert_close(ours, theirs)
    gradients = (torch.autograd.grad(states.square().sum(), inputs) for states in (ours, theirs))
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(
    ("name", "examples", "message"),
    [
        ("wordlstm", topics(0), "wordlstm reads words: .*--pooling tokens"),
        ("mlp", word_topics(0), "mlp reads one vector a sentence.*--head wordlstm"),
    ],
)
def test_a_head_refuses_what_it_cannot_read(name, examples, message):
    with pytest.raises(UserError, match=message):
        train_head(examples, examples, TrainingOptions(head=name))


def test_vectors_are_standardized_by_train():
    examples = topics(0)
    head = make_head("mlp", 16, window=1)
    vectors = torch.from_numpy(examples.vectors * 5 + 3)
    head.standardize_by(vectors)
    standard = (vectors - head.mean) * head.scale
    assert standard.mean(dim=0).abs().max() < 1e-4
    assert (standard.std(dim=0) - 1).abs().max() < 1e-4


def test_positions_are_the_sinusoids_of_the_paper():
    table = sinusoidal_positions(50, 8).numpy()
    position, i = 17, 2
    angle = position / 10_000 ** (2 * i / 8)
    np.testing.assert_allclose(
        table[position, 2 * i : 2 * i + 2], [np.sin(angle), np.cos(angle)], atol=1e-5
    )


def test_a_head_that_cannot_learn_says_that_it_collapsed():
    examples = topics(0)
    blind = replace(examples, vectors=np.zeros_like(examples.vectors))
    trained = train_head(blind, blind, TrainingOptions(head="mlp", window=1, epochs=1))
    assert trained.collapsed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head": "gru"}, "unknown head 'gru': choose from mlp, bilstm, transformer"),
        ({"window": 0}, "window must be 1 to 4,096, not 0"),
        ({"loss": "hinge"}, "unknown loss"),
        ({"epochs": 0}, "epochs is 0"),
        ({"learning_rate": -1.0}, "learning rate is -1"),
        ({"batch_size": 0}, "batch size is 0"),
    ],
)
def test_options_out_of_range_are_told(change, message):
    with pytest.raises(UserError, match=message):
        train_head(topics(0), topics(1), TrainingOptions(**change))


def test_a_split_without_boundaries_is_told():
    examples = topics(0)
    none = replace(examples, layout=Layout.unlabelled(examples.layout.offsets))
    with pytest.raises(UserError, match="the dev split has no boundary"):
        train_head(examples, none, TrainingOptions())
    empty = Examples(examples.vectors[:0], Layout.unlabelled(np.array([0])))
    with pytest.raises(UserError, match="no dev split: put texts into a folder dev"):
        train_head(examples, empty, TrainingOptions())
    one = Examples(examples.vectors[:1], Layout.unlabelled(np.array([0, 1])))
    with pytest.raises(UserError, match="no document of the dev split has two sentences"):
        train_head(examples, one, TrainingOptions())


def test_a_loss_that_is_no_number_ends_training_with_a_word():
    options = TrainingOptions(head="mlp", window=1, learning_rate=1e30)
    with pytest.raises(UserError, match="the loss is nan in epoch 1: use a lower --learning-rate"):
        train_head(topics(0), topics(1), options)


def test_the_bilstm_is_torchs_lstm_read_in_its_middle():
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
def test_dropout_leaves_its_share_out_and_keeps_the_mean(rate, size):
    dropped = Dropout(rate)(torch.ones(size))
    share = float((dropped == 0).float().mean())
    assert abs(share - rate) < 5 * (rate * (1 - rate) / size) ** 0.5 + 1 / 256
    left = dropped[dropped != 0]
    torch.testing.assert_close(left, torch.full_like(left, 1 / (1 - round(rate * 256) / 256)))
    assert torch.equal(Dropout(rate).eval()(torch.ones(5)), torch.ones(5))


def test_a_schedule_of_any_length_runs():
    small = topics(0, documents=1, length=30)
    for epochs in range(1, 13):
        options = TrainingOptions(head="mlp", window=1, epochs=epochs, patience=20, batch_size=999)
        assert len(train_head(small, small, options).history) == epochs + 1


@pytest.mark.parametrize("change", [{"seed": -1}, {"weight_decay": -1.0}, {"epochs": 0}])
def test_numbers_out_of_range_are_told(change):
    with pytest.raises(UserError, match="must be greater than"):
        TrainingOptions(**change)
