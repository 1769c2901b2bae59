"""A corpus in pieces has the same record as the corpus that one process reads."""

import json
from dataclasses import replace

import pytest

from embedcache import UserError
from embedcache.shards.storage import Storage
from segclf.corpus import ReadOptions, read_corpus
from segclf.corpus.listing import list_sources
from segclf.corpus.pieces import PieceReader, corpus_parts, first_sentences
from segclf.corpus.totals import CorpusTotals
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.workspace import Workspace
from tests.conftest import STORIES

REFERENCE = EncoderReference("surface", None, "0" * 32)


def write_pieces(path, folder, group, options):
    """Read files in groups of a size, and return the storage and the summaries."""
    sources = list_sources(str(path))
    groups = [sources[start : start + group] for start in range(0, len(sources), group)]
    storage = Storage.at(folder)
    reader = PieceReader("auto", options, strict=False)
    read = [reader(storage, number, sources) for number, sources in enumerate(groups)]
    summaries = json.loads(json.dumps([summary for _, summary in read]))
    return storage, summaries, [sentence for sentences, _ in read for sentence in sentences]


def mixed(folder):
    """Write documents of which only some have typed labels, and a file without sentences."""
    folder.mkdir()
    lines = [
        {"id": "typed", "sentences": ["雨。", "風。", "雪。"], "labels": [0, 1, 2]},
        {"id": "lines", "sentences": ["一。", "二。"], "labels": [1, 1]},
        {"id": "untyped", "paragraphs": ["甲。乙。", "丙。"]},
    ]
    (folder / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name in ("b", "c", "d"):
        (folder / f"{name}.txt").write_text(f"　{name}の雨が降る。風も吹く。\n　雪。\n" * 3)
    (folder / "empty.txt").write_text("\n")
    return folder


@pytest.mark.parametrize("group", [1, 3, 100])
@pytest.mark.parametrize(
    ("make", "options", "split"),
    [
        (lambda _: STORIES, ReadOptions(), None),
        (lambda _: STORIES, ReadOptions(boundary="typed"), "60/20/20"),
        (lambda _: STORIES / "eki.txt", ReadOptions(), None),  # cut into three parts
        (lambda _: STORIES / "eki.txt", ReadOptions(sentences="kuten"), "test"),
        (lambda path: mixed(path / "mixed"), ReadOptions(), None),
    ],
)
def test_the_record_is_the_same(tmp_path, make, options, split, group):
    path = make(tmp_path)
    corpus = read_corpus(path, options=options, split=split, strict=False)
    storage, summaries, sentences = write_pieces(path, tmp_path / "job", group, options)
    assert sentences == corpus.sentences
    totals = CorpusTotals()
    parts = totals.count(corpus_parts(storage, summaries, split))
    workspace = Workspace(tmp_path / "work")
    for name, content in (("whole", corpus), ("parts", parts)):
        workspace.save_corpus(name, content, options.sentences, REFERENCE, None)
    whole, in_parts = (
        replace(workspace.load_corpus(name), name="", corpus=None) for name in ("whole", "parts")
    )
    assert whole == in_parts
    assert (totals.sentences, totals.splits) == (len(corpus), corpus.counts())
    assert totals.headings_removed == corpus.headings_removed
    assert totals.boundaries_read == corpus.boundaries_read


def test_an_invalid_split_is_reported_before_the_parts_are_read(tmp_path):
    storage, summaries, _ = write_pieces(STORIES, tmp_path, 3, ReadOptions())
    with pytest.raises(UserError, match="--split half"):
        corpus_parts(storage, summaries, "half")


def test_the_first_sentences_are_those_of_the_corpus(tmp_path):
    storage, summaries, sentences = write_pieces(STORIES, tmp_path, 2, ReadOptions())
    for count in (1, 700, 10**6):
        assert first_sentences(storage, len(summaries), count) == sentences[:count]
