"""Other methods of text segmentation, on short works with a change of topic."""

import numpy as np
import pytest

from embedcache import UserError
from reports.peers.__main__ import choose_methods
from reports.peers.methods import METHODS
from reports.peers.tuning import Texts, compare
from reports.peers.works import Work
from segclf.corpus import Corpus, Document

PACKAGES = {
    "textsplit": "textsplit",
    "langchain": "langchain_experimental",
    "llamaindex": "llama_index",
    "chonkie": "chonkie",
    "semantic_text_splitter": "semantic_text_splitter",
    "semchunk": "semchunk",
}
SEA = (
    "The sailor saw the sea {}. The sea carried the ship {}. A wave hit the ship of the sailor {}."
)
FARM = "The farmer fed the cows {}. The cows stood on the farm {}. The farm fed the farmer {}."
TOPICS = [SEA, FARM, SEA, FARM]


def work():
    """Twelve sentences, whose topic changes after every third."""
    sentences, vectors = [], []
    random = np.random.default_rng(0)
    for number, topic in enumerate(TOPICS):
        found = topic.format(number, number, number).split(". ")
        sentences += [f"{sentence.rstrip('.')}." for sentence in found]
        mean = np.eye(8)[0 if topic == SEA else 1]
        vectors += [mean + random.normal(0, 0.1, 8) for _ in found]
    unit = np.array(vectors) / np.linalg.norm(vectors, axis=1, keepdims=True)
    return Work("en", sentences, unit.astype(np.float32))


def texts():
    labels = np.arange(12) % 3 == 0
    return Texts(
        [work()], {"any": Corpus.of([Document("en/a/b", work().sentences, labels)], ["dev"])}
    )


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.module)
def test_a_method_returns_the_start_of_every_segment(method):
    if method.module in PACKAGES:
        pytest.importorskip(PACKAGES[method.module])
    segment, grid = method.load()
    for parameters in grid[:: max(len(grid) // 5, 1)]:
        marks = segment(work(), **parameters)
        assert marks.shape == (12,)
        assert marks.dtype == np.bool_
        assert marks[0]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.module)
def test_the_best_parameters_are_better_than_a_boundary_everywhere(method):
    if method.module in PACKAGES:
        pytest.importorskip(PACKAGES[method.module])
    by_f1, by_pk, by_count = compare(method, "en", texts(), texts())
    assert (by_f1.chosen_by, by_pk.chosen_by, by_count.chosen_by) == ("f1", "pk", "count")
    assert by_f1.scores["f1"] >= by_pk.scores["f1"]
    assert by_pk.scores["pk"] <= by_f1.scores["pk"]
    wrong = [abs(r.authors[0].predicted - r.authors[0].true) for r in (by_count, by_f1, by_pk)]
    assert wrong[0] == min(wrong)
    if method.module not in ("semantic_text_splitter", "semchunk"):  # these do not use the topics
        assert by_f1.scores["f1"] > 2 * 3 / (3 + 11)


def test_methods_are_chosen_by_name():
    assert choose_methods(["semchunk", "texttiling"]) == [METHODS[-1], METHODS[0]]
    assert choose_methods([]) == []  # each has a record
    with pytest.raises(UserError, match="no method 'texttilng': choose from texttiling, "):
        choose_methods(["texttilng"])


def test_a_chunk_that_begins_in_a_sentence_counts_for_the_next_sentence():
    found = Work("en", ["One two.", "Three.", "Four."], np.eye(3, dtype=np.float32))
    assert found.text == "One two. Three. Four."
    assert found.boundaries_from_offsets([0, 4]).tolist() == [True, True, False]
    assert found.boundaries_from_offsets([0, 8]).tolist() == [True, True, False]
    assert found.boundaries_from_offsets([0, 9, 17]).tolist() == [True, True, False]
    assert found.boundaries_from_offsets([0, 16, 18]).tolist() == [True, False, True]
    japanese = Work("ja", ["一二。", "三。"], np.eye(2, dtype=np.float32))
    assert japanese.text == "一二。三。"
    assert japanese.boundaries_from_offsets([0, 3]).tolist() == [True, True]


def test_the_vector_of_several_sentences_is_their_mean():
    found = Work("en", ["One.", "Two\nlines.", "Three."], np.eye(3, dtype=np.float32))
    assert found.lines == "One.\nTwo lines.\nThree.\n"
    assert found.embed("One.\n").tolist() == [1, 0, 0]
    assert found.embed("Two lines.\n Three.\n") == pytest.approx([0, 0.5**0.5, 0.5**0.5])
    assert found.boundaries_from_chunks(["One.\nTwo lines.\n", "Three.\n"]).tolist() == [
        True,
        False,
        True,
    ]
