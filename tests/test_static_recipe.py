"""The recipe of the encoder static-paragraphs, on a small corpus."""

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from embedcache.encoders import e5_small
from embedcache.encoders.e5_small import make_tokenizer
from embedcache.encoders.static_paragraphs import UNKNOWN, StaticParagraphsEncoder
from embedcache.encoders.token_means import TokenVectors
from recipes import static
from recipes.pieces import choose_pieces
from recipes.static import Settings, TokenMeans, quantize, read_set, train

SENTENCES = ["雨が降った。", "風も吹いた。", "「寒い」", "朝が来た。", "雨"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "sample.jsonl"
    records = [
        {"split": "train", "sentences": SENTENCES * 4, "labels": [2, 0, 1, 2, 0] * 4},
        {"split": "dev", "sentences": ["夜が明けた。"] * 3, "labels": [2, 0, 0]},
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture(scope="module")
def tokenizer(sample):
    return make_tokenizer(*choose_pieces([sample], [1000]), unknown=0)


def test_the_most_frequent_pieces_of_the_training_documents_are_chosen(sample):
    folder = e5_small.model_directory()
    whole = Tokenizer.from_file(str(folder / "tokenizer.json"))
    counts = Counter(
        token
        for sentence in SENTENCES
        for token in whole.encode(sentence, add_special_tokens=False).tokens
    )
    pieces, scores = choose_pieces([sample], [3])
    assert pieces[0] == UNKNOWN
    assert len(pieces) == len(scores) == 4
    rarest = min(counts[piece] for piece in pieces[1:])
    assert rarest >= max(count for token, count in counts.items() if token not in pieces)


def test_training_reduces_the_loss_and_moves_the_vectors(sample, tokenizer, capsys):
    texts = [read_set(sample, tokenizer)]
    sets = (static.SetOptions("sample", 20, 0.0, pieces=1000, blocks=2),)
    settings = replace(Settings(), sets=sets, length=4, steps=200, token_dropout=0.0)
    train(texts, tokenizer.get_vocab_size(), settings)
    loss = float(capsys.readouterr().out.split()[-1])
    assert loss < 0.35  # half of the loss of untrained heads
    settings = replace(settings, steps=20)
    tables = [train(texts, tokenizer.get_vocab_size(), settings) for _ in range(2)]
    np.testing.assert_array_equal(*tables)


def test_the_encoder_computes_what_was_trained(sample, tokenizer):
    torch.manual_seed(0)
    trained = TokenMeans(tokenizer.get_vocab_size())
    corpus = read_set(sample, tokenizer).corpus
    sentences = np.arange(5)
    tokens = corpus.tokens[: corpus.starts[5]].astype(np.int64)
    with torch.no_grad():
        expected = trained(tokens, corpus.lengths(sentences)).numpy()
    encoder = StaticParagraphsEncoder()
    edges = [slice(start, stop) for start, stop in pairwise([0, 32, 64, 96])]
    vectors = trained.table().astype(np.float16)
    encoder.__dict__["_tokens"] = TokenVectors(tokenizer, vectors, tuple(edges))
    np.testing.assert_allclose(encoder.encode(SENTENCES), expected, atol=1e-3)


def test_a_quantized_vector_is_off_by_at_most_half_a_step():
    vectors = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    numbers, scale = quantize(vectors)
    assert numbers.dtype == np.int8
    assert np.abs(numbers).max() == 127
    assert (np.abs(numbers * scale - vectors) <= scale / 2 * 1.001).all()
