"""Assignment of documents to splits."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedcache import UserError
from segclf.corpus import Document, read_corpus
from segclf.corpus.splits import assign_splits
from tests.segclf.corpus.texts import INDENTED, write


def document(name, length, **fields):
    return Document(name, ["x"] * length, np.zeros(length, dtype=bool), **fields)


def test_folders_define_splits_and_a_file_outside_them_is_an_error(tmp_path):
    for name in ("train/a.txt", "validation/b.txt", "test/c.txt"):
        write(tmp_path, INDENTED, name)
    assert read_corpus(tmp_path).splits == ["test", "train", "dev"]
    write(tmp_path, INDENTED, "stray.txt")
    with pytest.raises(UserError, match=r"stray.txt is in none of the folders"):
        read_corpus(tmp_path)


def test_a_line_without_a_split_among_others_with_one_is_an_error(tmp_path):
    lines = [
        {"id": "a", "paragraphs": ["It rained."], "split": "train"},
        {"id": "b", "paragraphs": ["It snowed."]},
    ]
    path = write(tmp_path, "\n".join(map(json.dumps, lines)), "x.jsonl")
    with pytest.raises(UserError, match=r'^b is in none of .* or give it a "split"'):
        read_corpus(path)


def test_a_single_document_is_cut_into_train_dev_and_test():
    documents, splits = assign_splits([document("a", 100)])
    assert splits == ["train", "dev", "test"]
    assert [len(part.sentences) for part in documents] == [80, 10, 10]


def test_shares_that_sum_to_almost_one_lose_no_sentence():
    documents, _ = assign_splits([document("a", 1_000_000)], "0.3333331/0.3333331/0.333333")
    assert sum(len(part.sentences) for part in documents) == 1_000_000


@pytest.mark.parametrize("split", [None, "0/50/50"])
def test_the_layout_of_a_cut_document_is_counted_once(tmp_path, split):
    corpus = read_corpus(write(tmp_path, INDENTED * 10), split=split)
    assert len(corpus.document_ids) > 1
    assert corpus.boundaries_read == {"indent": 1}


@pytest.mark.parametrize("count", [1, 2])
def test_each_part_of_a_cut_document_begins_a_paragraph(tmp_path, count):
    sentences = [f"Sentence {number}." for number in range(20)]
    record = {"sentences": sentences, "labels": [1] + [0] * 19}
    path = write(tmp_path, "\n".join([json.dumps(record)] * count), "x.jsonl")
    corpus = read_corpus(path, split="80/10/10")
    assert len(corpus.document_ids) == 3 * count
    assert np.flatnonzero(corpus.labels).tolist() == corpus.offsets[:-1].tolist()


@given(st.lists(st.integers(1, 500), min_size=3, max_size=40))
def test_the_assignment_of_documents_does_not_depend_on_their_order(lengths):
    documents = [document(f"d{i}", length) for i, length in enumerate(lengths)]
    kept, splits = assign_splits(documents)
    assert kept == documents
    assert set(splits) == {"train", "dev", "test"}
    _, reversed_splits = assign_splits(documents[::-1])
    assert reversed_splits[::-1] == splits


def test_shares_can_be_given():
    documents = [document(f"d{i}", 10) for i in range(20)]
    _, splits = assign_splits(documents, "50/25/25")
    assert [splits.count(name) for name in ("train", "dev", "test")] == [10, 5, 5]
    assert assign_splits(documents, "0.5/0.25/0.25")[1] == splits


@pytest.mark.parametrize(
    "shares",
    ["nonsense", "80/10/20", "0.8/0.1/0.2", "8/1/1", "-10/100/10", "nan/50/50", "80/20", ""],
)
def test_invalid_shares_are_an_error(shares):
    with pytest.raises(UserError, match=f"--split {shares}: .* sum to 100 or to 1"):
        assign_splits([document("a", 10)], shares)
