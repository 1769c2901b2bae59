"""Statistics of known corpora."""

import numpy as np
import pytest

from embedcache import UserError
from embedcache.hashing import fingerprint_of
from segclf.corpus import Corpus, Document
from segclf.corpus.statistics import corpus_statistics, paragraph_lengths
from segclf.tasks.statistics import find_corpus
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.workspace import Workspace


def document(name, text, labels):
    return Document(name, text.split(), np.array([mark == "1" for mark in labels]))


@pytest.fixture
def corpus():
    return Corpus.of(
        [
            document("a", "ab abc ab abcd a", "10100"),
            document("b", "x xy", "00"),
            document("c", "ab zz zz zzz", "1111"),
        ],
        ["train", "train", "test"],
    )


def test_statistics_of_a_known_corpus(corpus):
    found = corpus_statistics(corpus)
    assert found.keys() == {"train", "test"}
    train, test = found["train"], found["test"]
    assert (train["documents"], train["sentences"], train["boundaries"]) == (2, 7, 3)
    assert train["paragraphs"] == 3
    assert train["sentence_characters"]["mean"] == pytest.approx(15 / 7)
    assert train["sentence_characters"]["median"] == 2
    assert (train["sentence_characters"]["min"], train["sentence_characters"]["max"]) == (1, 4)
    assert train["paragraph_sentences"]["mean"] == pytest.approx(7 / 3)
    assert train["duplicates"] == 1
    assert train["in_train"] is None
    assert (test["duplicates"], test["in_train"], test["paragraphs"]) == (1, 1, 4)


def test_paragraphs_end_at_the_end_of_a_document(corpus):
    assert paragraph_lengths(corpus).tolist() == [2, 3, 2, 1, 1, 1, 1]


def test_a_corpus_is_found_by_name_or_read_from_a_path(tmp_path, corpus):
    workspace = Workspace(tmp_path / "work")
    with pytest.raises(UserError, match="nothing is embedded"):
        find_corpus(None, workspace)
    encoder = EncoderReference("hash", None, fingerprint_of({}))
    workspace.save_corpus("stories", corpus, "kuten", encoder)
    (tmp_path / "new.txt").write_text("　雨が降る。\n　風が吹く。\n")
    for target in (None, "stories"):
        name, found, encoders = find_corpus(target, workspace)
        assert encoders == (encoder,)
        assert (name, found.sentences) == ("stories", corpus.sentences)
    name, read, encoders = find_corpus(str(tmp_path / "new.txt"), workspace, split="test")
    assert (name, len(read), encoders) == ("new.txt", 2, ())
    with pytest.raises(UserError, match=r"none: no such file.*stories"):
        find_corpus("none", workspace)
