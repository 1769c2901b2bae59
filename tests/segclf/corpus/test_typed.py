"""Typed boundaries: lines and paragraphs."""

import json

import numpy as np
import pytest

from embedcache import UserError
from segclf.corpus import Document, ReadOptions, read_corpus
from segclf.corpus.documents import Corpus
from segclf.corpus.splits import assign_splits
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.workspace import Workspace

PAGE = (
    "　雨が降った。風も吹いた。\n「寒い」\n「そうだね」と彼は言った。外は暗い。\n　翌朝は晴れた。\n"
)
SENTENCES = [
    ("雨が降った。", 2),
    ("風も吹いた。", 0),
    ("「寒い」", 1),
    ("「そうだね」と彼は言った。", 1),
    ("外は暗い。", 0),
    ("翌朝は晴れた。", 2),
]


def typed(labels, splits=("test",)):
    documents = [
        Document(
            str(number),
            [f"{number}.{position}" for position in range(len(of_document))],
            np.array(of_document, dtype=np.int8),
            is_typed=True,
        )
        for number, of_document in enumerate(labels)
    ]
    return Corpus.of(documents, list(splits))


def read_page(tmp_path, boundary):
    path = tmp_path / "page.txt"
    path.write_text(PAGE)
    return read_corpus(path, options=ReadOptions(boundary=boundary), split="test")


def test_an_indented_line_begins_a_paragraph_and_other_lines_begin_lines(tmp_path):
    corpus = read_page(tmp_path, "typed")
    assert list(zip(corpus.sentences, corpus.types.tolist(), strict=True)) == SENTENCES
    assert corpus.is_typed


@pytest.mark.parametrize(("boundary", "boundary_type"), [("line", "any"), ("indent", "paragraph")])
def test_a_type_has_the_boundaries_of_the_layout_that_it_comes_from(
    tmp_path, boundary, boundary_type
):
    corpus = read_page(tmp_path, "typed").of_type(boundary_type)
    plain = read_page(tmp_path, boundary)
    assert not plain.is_typed
    assert corpus.sentences == plain.sentences
    assert corpus.labels.tolist() == plain.labels.tolist()


def test_types_divide_the_boundaries():
    corpus = typed([[2, 0, 1, 1, 2, 0]])
    line, paragraph = (corpus.of_type(kind).labels for kind in ("line", "paragraph"))
    assert corpus.labels.tolist() == [True, False, True, True, True, False]
    assert line.tolist() == [True, False, True, True, False, False]
    assert paragraph.tolist() == [True, False, False, False, True, False]


def test_a_split_keeps_the_chosen_type():
    corpus = typed([[2, 1, 2], [2, 1, 1]], ["train", "dev"]).of_type("paragraph")
    assert corpus.select("train").labels.tolist() == [True, False, True]
    assert corpus.select("dev").labels.tolist() == [True, False, False]
    assert corpus.counts()["dev"]["boundaries"] == 1


def test_labels_without_a_paragraph_have_the_requested_type():
    corpus = typed([[0, 1, 0, 1]])
    assert not corpus.is_typed
    for boundary_type in ("any", "line", "paragraph"):
        assert corpus.of_type(boundary_type).labels.tolist() == [True, True, False, True]


def test_the_first_sentence_of_a_document_begins_a_paragraph():
    assert typed([[0, 0, 2], [1, 0]], ["test", "test"]).types.tolist() == [2, 0, 2, 1, 0]
    assert typed([[0, 0, 1]]).types.tolist() == [1, 0, 1]


def test_json_lines_have_typed_labels(tmp_path):
    path = tmp_path / "x.jsonl"
    record = {"sentences": ["One.", "", "Two.", "Three."], "labels": [2, 1, 0, 2]}
    path.write_text(json.dumps(record))
    assert read_corpus(path, split="test").types.tolist() == [2, 1, 2]
    path.write_text(json.dumps(record | {"labels": [2, 1, 0, 3]}))
    with pytest.raises(UserError, match='line 1: "labels" must be a list of 0s and 1s, or of 0s'):
        read_corpus(path)


def test_the_workspace_keeps_types(tmp_path):
    workspace = Workspace(tmp_path / "w")
    corpus = typed([[2, 1, 0], [2, 0]], ["train", "dev"])
    workspace.save_corpus("x", corpus, "line", EncoderReference("hash", None, "0" * 32))
    assert workspace.load_corpus("x").corpus.types.tolist() == [2, 1, 0, 2, 0]


def test_a_cut_document_keeps_types():
    document = Document("d", list("abcdefghij"), np.array([2, 0, 1, 0, 2, 0, 1, 0, 2, 1]))
    corpus = Corpus.of(*assign_splits([document], "50/30/20"))
    assert corpus.types.tolist() == [2, 0, 1, 0, 2, 2, 1, 0, 2, 1]


def test_boundaries_without_types_are_paragraphs_beside_typed_ones(tmp_path):
    records = [
        {"sentences": ["One.", "Two.", "Three."], "labels": [2, 1, 0]},
        {"paragraphs": ["Four. Five.", "Six."]},
        {"sentences": ["Seven.", "Eight."], "labels": [1, 1], "typed": True},
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    corpus = read_corpus(path, split="test")
    assert corpus.types.tolist() == [2, 1, 0, 2, 0, 2, 1, 1]
    paragraphs = corpus.of_type("paragraph").labels.tolist()
    assert paragraphs == [True, False, False, True, False, True, True, False]


def test_a_typed_document_may_consist_of_lines_of_dialogue(tmp_path):
    (tmp_path / "a.txt").write_text(PAGE)
    (tmp_path / "b.txt").write_text("「寒い」\n「本当に」\n")
    corpus = read_corpus(tmp_path, options=ReadOptions(boundary="typed"), split="test")
    assert corpus.select("test").types.tolist() == [2, 0, 1, 1, 0, 2, 1, 1]
