"""The recipe of the encoder e5-small-paragraphs, on a small corpus."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from embedcache.encoders import e5_small
from embedcache.encoders.e5_small_file import read_packed_file
from embedcache.encoders.e5_small_paragraphs import merge
from recipes import encoder
from recipes.low_rank import LowRankEncoder
from recipes.token_blocks import draw_blocks, read_training_documents

DOCUMENTS = [
    ("train", ["雨が降った。", "風も吹いた。", "「寒い」", "朝が来た。"] * 5, [2, 0, 1, 2] * 5),
    ("dev", ["夜が来た。"] * 3, [2, 0, 0]),
    ("train", ["鳥が鳴いた。", "犬も吠え" + "て" * 90 + "いた。"] * 9, [2, 0] * 9),
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "sample.jsonl"
    records = [
        {"split": split, "sentences": sentences, "labels": labels}
        for split, sentences, labels in DOCUMENTS
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    tokenizer = Tokenizer.from_file(str(e5_small.model_directory() / "tokenizer.json"))
    return read_training_documents(path, tokenizer, max_tokens=20)


def test_only_training_documents_are_read_and_long_sentences_are_shortened_in_the_middle(corpus):
    assert corpus.documents.tolist() == [0, 20, 38]
    assert corpus.targets[:4].tolist() == [[1, 1], [0, 0], [1, 0], [1, 1]]
    lengths = corpus.lengths(np.arange(38))
    assert lengths.max() == lengths[21] == 20
    tokens = corpus.padded(np.array([0, 21]), padding=1)
    assert tokens.shape == (2, 20)
    assert tokens[0, lengths[0] :].tolist() == [1] * (20 - lengths[0])
    assert tokens[1, 0] == tokens[0, 0]  # both sentences keep the special tokens at their ends
    assert tokens[1, -1] == tokens[0, lengths[0] - 1]


def test_a_block_is_within_a_document_and_no_sentence_is_drawn_twice_in_an_epoch(corpus):
    batches = draw_blocks(corpus, 1, 4, np.random.default_rng(0))
    blocks = np.concatenate([next(batches) for _ in range(6)])  # at most 5 + 4 blocks in an epoch
    assert (np.diff(blocks, axis=1) == 1).all()
    assert (np.searchsorted(corpus.documents, blocks, side="right") == 1).all(axis=1).any()
    for block in blocks:
        assert len(set(np.searchsorted(corpus.documents, block, side="right"))) == 1
    assert len(np.unique(blocks)) == blocks.size


def test_the_adapter_gives_the_weights_that_the_encoder_was_trained_to(corpus, monkeypatch):
    made = []

    class Kept(LowRankEncoder):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(encoder, "LowRankEncoder", Kept)
    settings = replace(encoder.Settings(), blocks=(4,), length=6, steps=3, rank=2)
    adapter = encoder.fine_tune([corpus], settings, "cpu")
    before = e5_small.read_packed(read_packed_file()).weights
    merged = merge(before, adapter)
    names = [
        f"encoder.layer.{i}.{name}"
        for i in (0, 6)
        for name in ("intermediate.dense", "output.dense")
    ]
    for name in names:
        trained = made[0].model.get_submodule(name).weight.detach()
        change = trained - torch.from_numpy(before[f"{name}.weight"])
        assert change.abs().max() > 1e-4
        found = torch.from_numpy(merged[f"{name}.weight"])
        torch.testing.assert_close(found, trained, atol=1e-5, rtol=1e-3)
        bias = made[0].model.get_submodule(name).bias.detach()
        torch.testing.assert_close(
            torch.from_numpy(merged[f"{name}.bias"]), bias, atol=1e-5, rtol=1e-3
        )
    assert not any(name.startswith("encoder.layer.7.") for name in merged)
    word = "embeddings.word_embeddings.weight"
    assert merged[word] is before[word]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_adapter_is_read_from_an_encoder_on_a_gpu():
    adapter = LowRankEncoder(e5_small.model_directory(), 1, rank=2).to("cuda").adapter()
    biases = [change for name, change in adapter.items() if name.endswith(".bias")]
    assert biases
    assert not any(bias.any() for bias in biases)


def test_fine_tuning_lowers_the_loss(corpus, capsys, monkeypatch):
    monkeypatch.setattr(encoder, "LAYERS", 2)  # instead of 7, which are slow on some CPUs
    settings = replace(encoder.Settings(), blocks=(4,), length=6, steps=40, rank=4)
    encoder.fine_tune([corpus], settings, "cpu")
    losses = [float(line.rsplit(" ", 1)[1]) for line in capsys.readouterr().out.splitlines()]
    assert len(losses) == 2
    assert losses[1] < losses[0]
