"""Layouts: the first sentence of a document begins a paragraph and is not a candidate."""

import numpy as np
import pytest

from segclf.corpus import Corpus, Document
from segclf.corpus.layout import Layout, offsets_of, paragraph_lengths
from segclf.scoring.baselines import baseline_scores
from segclf.scoring.decoding import decode, decode_within, most_probable
from segclf.scoring.metrics import is_collapsed, score

OFFSETS = np.array([0, 3, 3, 4, 7])


def layout(labels="0100010"):
    return Layout(np.array([mark == "1" for mark in labels]), OFFSETS)


def test_the_first_sentence_of_a_document_begins_a_paragraph_and_is_not_a_candidate():
    given = np.zeros(7, dtype=bool)
    made = Layout(given, OFFSETS)
    assert made.labels.tolist() == [True, False, False, True, True, False, False]
    assert made.is_candidate.tolist() == [False, True, True, False, False, True, True]
    assert not given.any()  # the array of the caller is not changed
    assert (Layout.unlabelled(OFFSETS).labels == made.labels).all()


def test_documents_are_spans_and_may_be_empty():
    assert layout().documents == [(0, 3), (3, 3), (3, 4), (4, 7)]
    empty = Layout.unlabelled(np.zeros(1, dtype=np.int64))
    assert len(empty) == 0
    assert empty.documents == []
    assert len(empty.is_candidate) == 0


def test_labels_and_offsets_must_have_the_same_length():
    with pytest.raises(IndexError):
        Layout(np.zeros(6, dtype=bool), OFFSETS)


def test_sentences_are_selected_and_documents_without_any_are_left_out():
    chosen = np.array([mark == "1" for mark in "0110011"])
    part = layout("0100010").select(chosen)
    assert part.documents == [(0, 2), (2, 4)]
    assert part.labels.tolist() == [True, False, True, False]
    assert layout().select(np.zeros(7, dtype=bool)).documents == []


@pytest.mark.parametrize(("share", "marked"), [(0, []), (0.4, [2, 6]), (0.5, [1, 2, 5, 6])])
def test_the_last_sentences_of_each_document_are_marked(share, marked):
    assert np.flatnonzero(layout().mark_last(share)).tolist() == marked


def test_only_candidates_decide_whether_both_classes_occur():
    assert layout("0100000").has_both_classes
    assert not layout("1001100").has_both_classes
    assert not layout("0110011").has_both_classes


def test_consecutive_sentences_of_a_group_are_a_document():
    assert offsets_of(["b", "b", "a"], 3).tolist() == [0, 2, 3]
    assert offsets_of(None, 3).tolist() == [0, 3]
    assert offsets_of([], 0).tolist() == [0]
    with pytest.raises(ValueError, match="must be consecutive"):
        offsets_of(["b", "a", "b"], 3)
    with pytest.raises(ValueError, match=r"groups has shape \(2,\), but there are 3 sentences"):
        offsets_of(["b", "a"], 3)


@pytest.mark.parametrize("probability", [0.0, 0.4, 1.0])
def test_every_decoder_begins_every_document_with_a_paragraph(probability):
    probabilities = np.full(7, probability, dtype=np.float32)
    for boundaries in (
        decode(layout(), probabilities, 0.5),
        decode_within(layout(), probabilities, 0.5, min_length=2),
        most_probable(layout(), probabilities, 3),
    ):
        assert boundaries[[0, 3, 4]].all()


def test_the_most_probable_boundaries_are_counted_over_all_documents():
    probabilities = np.array([0, 0.2, 0.9, 0, 0, 0.9, 0.3], dtype=np.float32)
    assert np.flatnonzero(most_probable(layout(), probabilities, 4)).tolist() == [0, 2, 3, 4]
    assert np.flatnonzero(most_probable(layout(), probabilities, 5)).tolist() == [0, 2, 3, 4, 5]


def test_no_score_depends_on_the_first_sentence_of_a_document():
    predicted = np.array([mark == "1" for mark in "0110010"])
    others = predicted ^ ~layout().is_candidate
    assert score(layout(), predicted) == score(layout("1101110"), others)
    assert not is_collapsed(layout(), predicted)
    nowhere = baseline_scores(layout(), paragraph_length=2, rate=0.5)["nowhere"]
    assert (nowhere.precision, nowhere.recall) == (0, 0)


def test_a_corpus_corrects_the_first_labels_of_its_documents():
    documents = [
        Document("a", ["A.", "B.", "C."], np.array([False, False, True])),
        Document("b", ["D.", "E."], np.array([False, False])),
    ]
    corpus = Corpus.of(documents, ["train", "test"])
    assert corpus.layout.documents == [(0, 3), (3, 5)]
    assert corpus.labels is corpus.layout.labels
    assert corpus.offsets is corpus.layout.offsets
    assert corpus.counts()["test"] == {"documents": 1, "sentences": 2, "boundaries": 1}
    assert paragraph_lengths(corpus.labels).tolist() == [2, 1, 2]
