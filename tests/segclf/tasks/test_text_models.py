"""A text in parts, a boundary without its neighbours, and a model adapted to corrected texts."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from embedcache import UserError
from segclf import TrainingOptions, Workspace, load_run, train
from segclf.corpus import read_corpus
from segclf.corpus.layout import Layout
from segclf.integrations.paragraphs import ParagraphFinder
from segclf.scoring.metrics import score
from segclf.tasks.adapt import FEWEST, CorrectedText, adapt
from segclf.tasks.leave_out import leave_out
from segclf.tasks.segment import Segmenter
from segclf.tasks.segment_options import SegmentOptions
from segclf.workspace.choices import describe_choice
from segclf.workspace.runs import list_runs
from tests.conftest import STORIES

TEXT = "# Rain\n\n" + " ".join(
    f'It rained on day {i}. "Is it wet?" she asked. Nobody went out.' for i in range(12)
)


@pytest.fixture
def workspace(trained, tmp_path):
    """The example stories with a run, in a copy."""
    return Workspace(shutil.copytree(trained / ".segtool", tmp_path / "work"))


@pytest.fixture
def segmenter(workspace):
    return Segmenter(workspace, load_run(workspace))


def story(start=0, stop=None):
    corpus = read_corpus(STORIES / "eki.txt", split="train")
    labels = corpus.labels[start:stop].astype(np.int8)
    return CorrectedText(corpus.sentences[start:stop], labels)


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize("threshold", [None, 0.3])
def test_a_text_in_parts_has_the_same_paragraphs(segmenter, size, threshold):
    options = SegmentOptions(threshold=threshold)
    whole = segmenter.segment(TEXT, options)
    parts = list(segmenter.read(TEXT, options).parts(size))
    assert (len(parts) > 1) == (size < 1000)
    for name in ("sentences", "boundaries", "is_heading", "is_fixed"):
        joined = [value for part in parts for value in getattr(part, name)]
        assert joined == list(getattr(whole, name))
    joined = np.concatenate([part.probabilities for part in parts])
    np.testing.assert_allclose(joined, whole.probabilities, atol=1e-5)


def test_a_text_with_unpaired_surrogates_is_split(segmenter):
    text = TEXT.replace("wet", "\ud800wet\udfff")
    found = segmenter.segment(text, SegmentOptions(layout="ignore"))
    assert "".join(found.paragraphs()) == text
    assert found.sentences[2].text == '"Is it \ufffdwet\ufffd?" she asked.'


def test_the_fingerprint_of_a_finder_depends_on_the_weights(workspace):
    def fingerprint(model):
        return ParagraphFinder(model, workspace.path).fingerprint

    before = fingerprint("mlp-w1-001")
    again = train(workspace, TrainingOptions(head="mlp", window=1, epochs=1, seed=1))
    shutil.rmtree(workspace.runs / "mlp-w1-001")
    again.path.rename(workspace.runs / "mlp-w1-001")
    found = [
        fingerprint(name) for name in ("mlp-w1-001", "mlp-w1-001", "japanese", "european", None)
    ]
    assert found[0] == found[1]
    assert len({before, *found}) == 5


def test_a_length_limit_needs_the_whole_text(segmenter):
    for options in (SegmentOptions(max_length=2), SegmentOptions(paragraphs=3)):
        with pytest.raises(UserError, match="in parts"):
            next(segmenter.read(TEXT, options).parts(5))


def test_leaving_a_sentence_out_is_segmenting_the_text_without_it(segmenter):
    lines = [f"{'word ' * (i % 5 + 1)}{i}." for i in range(30)]

    def probabilities(kept):
        options = SegmentOptions(lines_are_sentences=True)
        return segmenter.segment("\n".join(kept), options).probabilities

    read = segmenter.read("\n".join(lines), SegmentOptions(lines_are_sentences=True))
    for position in (1, 14, 29):
        found = leave_out(read.model, read.body, position)
        assert found.head == "any"
        assert found.probability == pytest.approx(probabilities(lines)[position], abs=1e-5)
        for one in found.left_out:
            without = probabilities(lines[: one.sentence] + lines[one.sentence + 1 :])
            at = position - (one.sentence < position)
            assert one.probability == pytest.approx(without[at], abs=1e-5)
    assert [one.sentence for one in leave_out(read.model, read.body, 14).left_out] == [13, 14]
    assert leave_out(read.model, read.body[:2], 1).left_out == ()


def test_an_adapted_model_is_a_run_on_a_corpus_of_the_corrections(workspace, segmenter):
    model = segmenter.read(TEXT, SegmentOptions(language="ja")).model
    text = story()
    adapted = adapt(workspace, model, [text, story(0, 30)])
    assert [run.name for run in list_runs(workspace)] == ["mlp-w1-001", adapted.run.name]
    assert adapted.run.record.start.name == "mlp-w1-001"
    stored = workspace.load_corpus(adapted.corpus)
    assert stored.corpus.sentences == [*text.sentences, *story(0, 30).sentences]
    assert adapted.sentences == len(stored.corpus.sentences)
    assert adapted.boundaries == sum((text.labels > 0).sum() for text in (text, story(0, 30)))
    # the first sentence of each of the five parts, and of the second text, is not scored
    assert adapted.scored == adapted.sentences - 5 - 1
    assert 0 < adapted.before.types["any"].f1 <= 1
    assert 0 < adapted.after.types["any"].f1 <= 1
    assert not adapted.run.is_typed
    assert adapt(workspace, model, [text]).corpus != adapted.corpus


def test_the_scores_before_are_those_of_the_model(workspace, segmenter):
    """The parts are scored without the sentences around them, as after the adaptation."""
    model = segmenter.read(TEXT, SegmentOptions(language="ja")).model
    text = story(0, 50)
    adapted = adapt(workspace, model, [text])
    parts = [text.sentences[i : i + 10] for i in range(0, 50, 10)]
    predicted = model.predict_documents(parts).probabilities >= model.threshold
    layout = Layout(text.labels > 0, np.arange(0, 51, 10))
    assert adapted.before.types == {"any": score(layout, predicted)}
    assert adapted.before.errors == int((predicted != layout.labels)[layout.is_candidate].sum())


def test_few_corrections_are_reported_or_refused(workspace, segmenter):
    model = segmenter.read(TEXT, SegmentOptions(language="ja")).model
    with pytest.raises(UserError, match=f"check at least {FEWEST} sentences .*: 3"):
        adapt(workspace, model, [story(0, 3)])
    assert workspace.corpus_names() == ["stories"]
    assert "scores are uncertain" in adapt(workspace, model, [story(0, 60)]).notes[0]
    labels = np.zeros(40, dtype=np.int8)
    labels[3] = 1
    adapted = adapt(workspace, model, [CorrectedText(story(0, 40).sentences, labels)])
    assert adapted.before is adapted.after is None
    assert adapted.scored == 0
    assert "too few boundaries to score" in adapted.notes[0]
    assert "too few boundaries to choose a threshold" in adapted.notes[1]
    # the run is the only one on the latest corpus, and has no score on dev
    assert load_run(workspace).name == adapted.run.name
    assert "no run on corrections-002 has dev scores" in describe_choice(adapted.run)


def test_texts_from_which_nothing_can_be_learned_are_refused(workspace, segmenter):
    model = segmenter.read(TEXT, SegmentOptions(language="ja")).model
    for label in (0, 1):
        text = CorrectedText(story(0, 30).sentences, np.full(30, label, dtype=np.int8))
        with pytest.raises(UserError, match="nothing can be learned from the checked sentences"):
            adapt(workspace, model, [text])
    assert workspace.corpus_names() == ["stories"]


def test_one_boundary_at_the_end_is_trained_on(workspace, segmenter):
    model = segmenter.read(TEXT, SegmentOptions(language="ja")).model
    labels = np.zeros(30, dtype=np.int8)
    labels[28] = 1
    adapted = adapt(workspace, model, [CorrectedText(story(0, 30).sentences, labels)])
    train = workspace.load_corpus(adapted.corpus).corpus.select("train")
    assert train.labels.sum() > len(train.document_ids)  # the first sentence of each is one


def test_the_threshold_is_chosen_on_a_part_that_has_a_boundary(workspace, segmenter):
    model = segmenter.read(TEXT, SegmentOptions(language="ja")).model
    labels = np.zeros(50, dtype=np.int8)
    labels[[4, 8, 24]] = 1  # in the first and the third fifth
    adapted = adapt(workspace, model, [CorrectedText(story(0, 50).sentences, labels)])
    dev = workspace.load_corpus(adapted.corpus).corpus.select("dev")
    assert dev.sentences == story(20, 30).sentences
    assert adapted.run.record.has_dev_scores


def test_many_short_texts_are_enough(workspace, segmenter):
    model = segmenter.read(TEXT, SegmentOptions(language="ja")).model
    texts = [story(start, start + 3) for start in range(0, 45, 3)]
    adapted = adapt(workspace, model, texts)
    assert adapted.sentences == 45
    assert 0 < adapted.scored <= 30


def test_an_adaptation_that_is_stopped_leaves_no_run(workspace, segmenter):
    model = segmenter.read(TEXT, SegmentOptions(language="ja")).model
    calls = []

    def check():
        calls.append(None)
        if len(calls) == 9:
            raise UserError("stopped")

    with pytest.raises(UserError, match="stopped"):
        adapt(workspace, model, [story(0, 60)], check)
    assert [run.name for run in list_runs(workspace)] == ["mlp-w1-001"]


def test_models_that_are_adapted_at_once_keep_all_corrected_texts(workspace, segmenter):
    model = segmenter.read(TEXT, SegmentOptions()).model
    starts = range(4)
    with ThreadPoolExecutor(len(starts)) as pool:
        adapted = list(
            pool.map(lambda start: adapt(workspace, model, [story(start, 40 + start)]), starts)
        )
    assert len({each.corpus for each in adapted}) == len(starts)
    for start, each in zip(starts, adapted, strict=True):
        stored = workspace.load_corpus(each.corpus)
        assert stored.corpus.sentences == story(start, 40 + start).sentences
