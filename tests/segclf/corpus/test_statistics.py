"""Statistics of known corpora."""

import numpy as np
import pytest

from segclf.corpus import Corpus, Document
from segclf.corpus.statistics import corpus_statistics


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


def test_a_known_corpus_has_known_statistics(corpus):
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
