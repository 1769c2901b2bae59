"""Word vectors, from embedding a corpus to segmenting a text."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from embedcache import UserError
from segclf import (
    ReadOptions,
    TrainingOptions,
    Workspace,
    embed,
    evaluate,
    load_run,
    segment,
    train,
)
from segclf.workspace.encoders import load_referenced
from tests.conftest import ROOT, STORIES
from tests.segtool.texts import mistake

pytest.importorskip("ja_ginza")
UNSEEN = (ROOT / "examples/unseen.txt").read_text(encoding="utf-8")


OF_WORDS = TrainingOptions(head="wordlstm", window=1, epochs=1, batch_size=64)


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "ws")


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """A folder with three stories."""
    folder = tmp_path_factory.mktemp("stories")
    for name in ("eki", "honyaku", "shiomachi"):
        shutil.copy(STORIES / f"{name}.txt", folder)
    return folder


@pytest.fixture(scope="module")
def of_words(stories, tmp_path_factory):
    """A workspace with the words of the stories, and a head trained on them."""
    workspace = Workspace(tmp_path_factory.mktemp("words") / "ws")
    embed(stories, workspace, encoder_name="ginza", pooling="tokens")
    return workspace, train(workspace, OF_WORDS)


def write_corpus(path, **splits):
    documents = [
        {"split": split, "paragraphs": [f"{text}猫が鳴いた。", "犬が走った。月が出た。"]}
        for split, text in splits.items()
    ]
    path.write_text("\n".join(json.dumps(document) for document in documents))
    return path


def test_sif_is_fitted_on_the_train_split_only(tmp_path, workspace):
    def fingerprint(**splits):
        corpus = write_corpus(tmp_path / "corpus.jsonl", **splits)
        embedded = embed(corpus, workspace, encoder_name="ginza", pooling="sif")
        return embedded.encoder.fingerprint

    first = fingerprint(train="雨が降る。", dev="風が吹く。", test="雪が積もる。")
    assert fingerprint(train="雨が降る。", dev="海が光る。", test="朝が来る。") == first
    assert len(list(workspace.encoders.iterdir())) == 1
    assert fingerprint(train="春が来る。", dev="風が吹く。", test="雪が積もる。") != first
    assert len(list(workspace.encoders.iterdir())) == 2
    # a corpus without a train split uses the most recently used fit, whatever the file times
    assert fingerprint(train="雨が降る。", dev="風が吹く。", test="雪が積もる。") == first
    os.utime(workspace.encoders / f"{first}.json", (0, 0))
    assert fingerprint(test="別の話だ。") == first


def test_a_fit_from_a_newer_version_is_not_read(tmp_path, workspace):
    corpus = write_corpus(tmp_path / "corpus.jsonl", train="雨が降る。")
    reference = embed(corpus, workspace, encoder_name="ginza", pooling="sif").encoder
    (path,) = workspace.encoders.iterdir()
    path.write_text(path.read_text().replace('"format": 1', '"format": 2', 1))
    with pytest.raises(UserError, match=r"\.json has format 2, .*: upgrade segtool$"):
        load_referenced(reference, workspace.encoders)


def test_sif_without_a_train_split_is_an_error(tmp_path, workspace):
    corpus = write_corpus(tmp_path / "corpus.jsonl", test="雨が降る。")
    with pytest.raises(UserError, match="this corpus has none"):
        embed(corpus, workspace, encoder_name="ginza", pooling="sif")
    assert not workspace.path.exists()


def test_word_vectors_of_another_language_are_an_error(tmp_path, workspace):
    (tmp_path / "en.vec").write_text("2 2\nrain 0 1\nfalls 1 0\n")
    corpus = write_corpus(tmp_path / "corpus.jsonl", train="雨が降る。")
    with pytest.raises(UserError, match=r"en\.vec has no vector for any word of this text"):
        embed(corpus, workspace, encoder_name=f"wordvec:{tmp_path / 'en.vec'}")
    assert not workspace.path.exists()


def test_new_text_is_segmented_by_the_means_of_its_words(stories, workspace):
    embed(stories, workspace, encoder_name="ginza", pooling="mean")
    segmentation = segment(UNSEEN, workspace, train(workspace, replace(OF_WORDS, head="mlp")))
    assert "".join(segmentation.paragraphs()) == UNSEEN
    assert np.ptp(segmentation.probabilities) > 0


def test_new_text_is_segmented_by_its_words(of_words):
    segmentation = segment(UNSEEN, *of_words)
    assert "".join(segmentation.paragraphs()) == UNSEEN
    assert np.ptp(segmentation.probabilities) > 0


def test_fitted_encoders_are_reused_and_required(stories, workspace):
    embed(stories, workspace, encoder_name="ginza", pooling="sif")
    run = train(workspace, TrainingOptions(head="mlp", window=1, epochs=2))
    assert "".join(segment(UNSEEN, workspace, run).paragraphs()) == UNSEEN
    story = sorted(STORIES.glob("*.txt"))[0]
    options = ReadOptions(boundary="indent")
    embed(
        story, workspace, name="other", encoder_name="ginza", pooling="sif", split="test",
        options=options,
    )  # fmt: skip
    assert evaluate(workspace, run, corpus_name="other").sentences > 10
    shutil.rmtree(workspace.encoders)
    with pytest.raises(UserError, match=r"the fitted state of the encoder .* is missing: embed"):
        segment(UNSEEN, workspace, run)


def test_an_encoder_is_chosen_by_its_pooling(stories, workspace):
    for pooling in (None, "tokens"):
        embed(stories, workspace, encoder_name="ginza", pooling=pooling)
    assert train(workspace, OF_WORDS, pooling="tokens").record.dim == 300
    with pytest.raises(UserError, match="not embedded with ginza --pooling sif but with ginza"):
        train(workspace, OF_WORDS, encoder_name="ginza", pooling="sif")


def test_a_word_lstm_is_trained_from_the_command_line(stories, tmp_path, cli):
    (tmp_path / "new.txt").write_text(UNSEEN)

    def run(*arguments):
        done = cli(tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    embedded = json.loads(
        run("embed", str(stories), "--encoder", "ginza", "--pooling", "tokens", "--json")
    )
    assert (embedded["dim"], embedded["truncated"]) == (128, 0)
    assert "--head wordlstm" in mistake(cli(tmp_path, "train", "--head", "mlp"))
    trained = json.loads(
        run("train", "--head", "wordlstm", "--window", "1", "--epochs", "2", "--json")
    )
    assert trained["run"] == "wordlstm-w1-001"
    scores = json.loads(run("eval", "--json"))
    assert scores["f1"] > scores["baselines"]["random"]["f1"]
    assert run("segment", "new.txt").replace("\n", "") == UNSEEN.replace("\n", "")


def test_a_loaded_run_has_the_same_scores(of_words):
    workspace, run = of_words
    first = evaluate(workspace, run).scores
    assert evaluate(workspace, load_run(workspace, run.name)).scores == first


def test_the_weights_of_a_word_lstm_do_not_contain_the_word_vectors(of_words):
    weights = of_words[1].load_head().state_dict()
    assert sum(tensor.numel() for tensor in weights.values()) < 1_000_000


def test_words_in_a_file_give_the_weights_that_they_give_in_memory(of_words):
    workspace, run = of_words
    other = train(workspace, OF_WORDS, memory=0)
    weights = "weights.safetensors"
    assert (run.path / weights).read_bytes() == (other.path / weights).read_bytes()
