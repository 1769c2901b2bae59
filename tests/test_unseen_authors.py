"""The pages about unseen authors, and the records from which they are written."""

import json
from dataclasses import replace

import numpy as np
import pytest

from reports import results, unseen_page, unseen_tables
from reports.authors import Author, Result, count_authors, interval, pooled_f1
from reports.markdown import block, replace_block
from reports.peers.methods import METHODS
from reports.unseen_records import Records, read_records
from segclf.corpus import Corpus, Document
from segclf.scoring.baselines import DESCRIPTIONS

TASK = ("ja", "any")


@pytest.fixture(scope="module")
def records():
    return read_records()


def test_the_pages_in_docs_are_written_from_the_records(records):
    assert unseen_page.PAGE.read_text(encoding="utf-8") == unseen_page.page(records)
    for path, text in (
        (unseen_page.RESULTS, unseen_page.section(records)),
        (unseen_page.README, unseen_page.readme_table(records)),
    ):
        assert block(unseen_page.BLOCK, text) in path.read_text(encoding="utf-8")


def test_the_page_of_results_opens_with_unseen_authors():
    written = results.PAGE.read_text(encoding="utf-8")
    headings = [line for line in written.splitlines() if line.startswith("## ")]
    assert headings[0] == "## Unseen authors"


def test_every_method_was_run_on_the_texts_of_the_models(records):
    for (method, criterion), found in records.peers.items():
        assert set(found) == set(records.model), (method.name, criterion)


def test_a_record_that_is_read_equals_the_one_that_was_written(records):
    for result in records.model.values():
        assert Result.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_authors_are_counted_over_their_works():
    one = Document("ja/a/1", ["s"] * 4, np.array([1, 0, 1, 0], dtype=np.bool_))
    two = Document("ja/a/2", ["s"] * 3, np.array([1, 1, 0], dtype=np.bool_))
    other = Document("ja/b/1", ["s"] * 2, np.array([1, 0], dtype=np.bool_))
    part = Corpus.of([one, two, other], ["test"] * 3)
    predicted = np.array([1, 1, 1, 0, 1, 0, 0, 1, 1], dtype=np.bool_)
    authors = count_authors(part, predicted)
    assert authors == [Author("ja/a", 5, 1, 2, 2), Author("ja/b", 1, 0, 1, 0)]
    assert pooled_f1(authors) == 2 * 1 / (3 + 2)
    low, high = interval(authors)
    assert low <= pooled_f1(authors) <= high


def records_of(model, everywhere):
    """Records of two authors with ten candidates and five boundaries each."""
    scores = dict.fromkeys(("precision", "recall", "f1", "pk", "window_diff"), 0.25)

    def result(*correct):
        authors = [Author(f"ja/{i}", 10, c, 5, 5) for i, c in enumerate(correct)]
        return Result(*TASK, scores, authors)

    baselines = {name: {TASK: result(0, 0)} for name in DESCRIPTIONS}
    baselines["everywhere"] = {TASK: result(*everywhere)}
    peers = {(METHODS[0], "f1"): {TASK: result(3, 3)}}
    found = {TASK: result(*model)}
    return Records(found, found, found, baselines, peers)


def test_the_authors_on_whom_the_model_exceeds_every_baseline_are_counted():
    found = records_of(model=(4, 2), everywhere=(3, 2))
    gains = found.gains(TASK)
    assert [gain.value for gain in gains] == pytest.approx([0.2, 0])
    assert "| 1 of 2 (50%) |" in unseen_tables.summary(found)
    assert "on 1 of 2 authors (50%)" in unseen_tables.share_better(found)
    first, second = unseen_tables.worst(found, [TASK]).splitlines()[2:]
    assert first.startswith("| ja/1 | 10 | 5 | 0.400 | 0.400 | +0.000 |")
    assert second.startswith("| ja/0 | 10 | 5 | 0.800 | 0.600 | +0.200 |")


def test_a_missed_target_is_stated_with_the_author_who_is_farthest_off(monkeypatch):
    found = records_of(model=(4, 2), everywhere=(3, 2))  # F1 is 0.25 in these records
    monkeypatch.setattr(unseen_tables, "TARGETS", {TASK: 0.3})
    sentence = unseen_tables.missed_targets(found)
    assert (
        "misses its target by 0.050. Without ja/1, for whom 50% of the candidates are" in sentence
    )
    assert sentence.endswith("it would be 0.800.\n")
    monkeypatch.setattr(unseen_tables, "TARGETS", {TASK: 0.25})
    assert unseen_tables.missed_targets(found) == ""


def test_a_method_without_a_record_is_listed_as_not_run_yet():
    found = replace(records_of((4, 2), (3, 2)), peers={(METHODS[0], "f1"): {}})
    assert f"| {METHODS[0].name} | not run yet |" in unseen_tables.systems(found, "f1")


def test_a_block_is_replaced_and_the_rest_of_the_page_is_kept():
    page = f"before\n{block('x', 'old')}after\n"
    assert replace_block(page, "x", "new") == f"before\n{block('x', 'new')}after\n"
    with pytest.raises(ValueError, match="values to unpack"):
        replace_block("no block", "x", "new")
