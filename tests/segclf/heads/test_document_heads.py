"""Heads that read whole documents."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segclf.corpus.layout import Layout
from segclf.heads.linear_transformer import linear_attention
from segclf.heads.local_transformer import local_attention
from segclf.heads.registry import DOCUMENT_HEADS, make_head
from segclf.inputs.examples import Examples
from segclf.scoring.metrics import precision_recall_f1
from segclf.training.loop import train_head
from segclf.training.options import TrainingOptions
from tests.segclf.topics import topics

LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=4)


def queries_keys_values(lengths, heads=2, size=8):
    """Random inputs for attention, large enough for sharp weights, with random padding."""
    torch.manual_seed(0)
    shape = (3, len(lengths), max(lengths), heads, size)
    return 3 * torch.randn(shape), torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]


def reference(weights, values):
    """Mix values (l, c) by the rows of weights (l, l), as in the formula."""
    return (weights / weights.sum(dim=1, keepdim=True)) @ values


@settings(deadline=None, max_examples=40)
@given(lengths=LENGTHS, reach=st.integers(1, 12))
def test_local_attention_agrees_with_softmax_attention_in_a_band(lengths, reach):
    (queries, keys, values), inside = queries_keys_values(lengths)
    mixed = local_attention(queries, keys, values, inside, reach)
    for document, length in enumerate(lengths):
        for head in range(2):
            q, k, v = (x[document, :length, head].double() for x in (queries, keys, values))
            distance = (torch.arange(length)[:, None] - torch.arange(length)).abs()
            weights = torch.exp((q @ k.T / 8**0.5).masked_fill(distance > reach, -torch.inf))
            torch.testing.assert_close(
                mixed[document, :length, head].double(), reference(weights, v), atol=1e-5, rtol=1e-4
            )


@settings(deadline=None, max_examples=40)
@given(lengths=LENGTHS)
def test_linear_attention_agrees_with_quadratic_attention_with_its_kernel(lengths):
    (queries, keys, values), inside = queries_keys_values(lengths)
    mixed = linear_attention(queries, keys, values, inside)
    for document, length in enumerate(lengths):
        for head in range(2):
            q, k, v = (x[document, :length, head].double() for x in (queries, keys, values))
            features = [torch.where(x > 0, x + 1, torch.exp(x)) for x in (q, k)]
            torch.testing.assert_close(
                mixed[document, :length, head].double(),
                reference(features[0] @ features[1].T, v),
                atol=1e-4,
                rtol=1e-4,
            )


def test_linear_attention_is_precise_for_a_hundred_thousand_sentences():
    torch.manual_seed(0)
    queries, keys, values = torch.randn(3, 1, 100_000, 1, 4).abs()
    inside = torch.ones(1, 100_000, dtype=torch.bool)
    mixed = linear_attention(queries, keys, values, inside)
    exact = linear_attention(queries.double(), keys.double(), values.double(), inside)
    torch.testing.assert_close(mixed.double(), exact, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", DOCUMENT_HEADS)
def test_documents_of_a_batch_do_not_influence_each_other(name):
    torch.manual_seed(0)
    head = make_head(name, 8).eval()
    offsets = torch.tensor([0, 70, 71, 73, 110])
    vectors = torch.randn(110, 8)
    changed = vectors.clone()
    changed[:71] += 1
    with torch.inference_mode():
        before, after = head(vectors, offsets), head(changed, offsets)
        alone = [
            head(vectors[start:stop], torch.tensor([0, stop - start]))
            for start, stop in pairwise(offsets.tolist())
        ]
    assert [len(part) for part in alone] == [69, 0, 1, 36]
    assert torch.equal(before[69:], after[69:])
    assert (before[:69] != after[:69]).all()
    torch.testing.assert_close(torch.cat(alone), before, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", DOCUMENT_HEADS)
def test_a_prediction_depends_on_both_sides(name):
    torch.manual_seed(0)
    head = make_head(name, 8).eval()
    vectors = torch.randn(61, 8, requires_grad=True)
    head(vectors, torch.tensor([0, 61]))[30].backward()  # before sentence 31
    seen = vectors.grad.abs().sum(dim=1) > 0
    assert seen.all()


def test_each_layer_of_local_transformer_extends_the_context_by_reach_and_convolution():
    torch.manual_seed(0)
    head = make_head("local-transformer", 8, reach=5).eval()
    vectors = torch.randn(61, 8, requires_grad=True)
    head(vectors, torch.tensor([0, 61]))[30].backward()
    seen = torch.nonzero(vectors.grad.abs().sum(dim=1) > 0).flatten().tolist()
    context = 2 * (5 + 4)  # two layers, each with attention and a convolution
    assert seen == list(range(30 - context, 31 + context + 1))


@pytest.mark.parametrize("name", DOCUMENT_HEADS)
def test_a_head_reads_documents_longer_than_those_in_training(name):
    is_recurrent = name == "document-bilstm"  # slow, but learns from few documents
    options = TrainingOptions(
        head=name,
        crop=32,
        batch_size=64,
        epochs=8,
        patience=8,
        learning_rate=1e-2 if is_recurrent else 1e-3,
    )
    trained = train_head(
        topics(0, documents=15 if is_recurrent else 30), topics(1, documents=2), options
    )
    test = topics(2, documents=1, length=3_000)
    probabilities = trained.head.predict(test)
    assert probabilities.shape == (3_000,)
    decided = probabilities >= trained.best.threshold
    assert precision_recall_f1(test.layout, decided)[2] > 0.7  # boundaries everywhere give 0.33
    assert not trained.collapsed


def echoes(seed, documents):
    """Cues begin a paragraph only if the first sentence, at least 50 sentences earlier, says so."""
    random = np.random.default_rng(seed)
    length, dim = 60, 8
    vectors = 0.1 * random.standard_normal((documents, length, dim))
    says = random.random(documents) < 0.5
    vectors[:, 0, 0] = np.where(says, 1, -1)
    cue = random.random((documents, length)) < 0.5
    cue[:, :50] = False
    vectors[..., 1] += cue
    labels = cue & says[:, None]
    labels[:, 0] = True
    return Examples(
        vectors.reshape(-1, dim).astype(np.float32),
        Layout(labels.flatten(), np.arange(0, documents * length + 1, length)),
    )


@pytest.mark.parametrize(
    ("options", "learns"),
    [
        ({"head": "document-bilstm"}, True),
        ({"head": "local-transformer", "reach": 60}, True),
        ({"head": "local-transformer", "reach": 2}, False),
        ({"head": "linear-transformer"}, True),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_heads_learn_dependencies_over_fifty_sentences_within_their_reach(options, learns):
    options = TrainingOptions(**options, batch_size=120, epochs=7, learning_rate=3e-3)
    f1 = train_head(echoes(0, documents=100), echoes(1, documents=40), options).best.f1
    assert f1 > 0.95 if learns else f1 < 0.85  # boundaries before every cue give 0.77


@pytest.mark.parametrize("name", DOCUMENT_HEADS)
def test_a_document_of_one_sentence_has_no_candidates(name):
    torch.manual_seed(0)
    vectors = np.random.default_rng(0).standard_normal((4, 8)).astype(np.float32)
    head = make_head(name, 8)
    both = head.predict(Examples(vectors, Layout.unlabelled(np.array([0, 1, 4]))))
    alone = head.predict(Examples(vectors[1:], Layout.unlabelled(np.array([0, 3]))))
    assert both[0] == 1
    np.testing.assert_allclose(both[1:], alone, rtol=1e-5)
