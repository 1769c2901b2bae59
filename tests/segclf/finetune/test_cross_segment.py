"""Token sequences of the cross-segment system."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from embedcache import UserError
from segclf.corpus import Corpus
from segclf.corpus.documents import Document
from segclf.corpus.layout import Layout
from segclf.finetune.backbone import Text
from segclf.finetune.cross_segment import spans
from segclf.finetune.options import CrossSegmentOptions, Sides
from tests.segclf.finetune.toy import PRECISIONS, TOLERANCES, corpus, system_and_text

SENTENCES = [["雨夜", "人", "手目時日見"], ["今前", "家"]]


def laid_out(model, sides, candidate):
    """Return the tokens, mask and types of one row in a batch with a longer row."""
    documents = [
        Document(str(number), sentences, np.ones(len(sentences), bool))
        for number, sentences in enumerate(SENTENCES)
    ]
    text = Corpus.of(documents, ["train"] * 2)
    system, tokens = system_and_text(model, CrossSegmentOptions(sides=sides), text)
    rows = system.rows(tokens, np.array([candidate, 2]))
    names = system.backbone._tokenizer.convert_ids_to_tokens(rows.ids[0])
    names = " ".join(names).replace("[PAD]", "_")
    return names, "".join(map(str, rows.mask[0])), "".join(map(str, rows.types[0]))


@pytest.mark.parametrize(
    ("sides", "candidate", "tokens", "mask", "types"),
    [
        ("sentences:1", 1, "[CLS] 雨 夜 [SEP] 人 [SEP] _ _ _", "111111000", "000011000"),
        ("sentences:1", 4, "[CLS] 今 前 [SEP] 家 [SEP] _ _ _", "111111000", "000011000"),
        ("sentences:2", 2, "[CLS] 雨 夜 人 [SEP] 手 目 時 日 見 [SEP]", "1" * 11, "00000111111"),
        ("tokens:3", 2, "[CLS] 雨 夜 人 [SEP] 手 目 時 [SEP]", "1" * 9, "000001111"),
        ("tokens:3", 1, "[CLS] _ 雨 夜 [SEP] 人 手 目 [SEP]", "101111111", "000001111"),
        ("tokens:3", 4, "[CLS] _ 今 前 [SEP] 家 [SEP] _ _", "101111100", "000001100"),
    ],
)  # fmt: skip
def test_token_sequences_are_those_of_the_paper(tiny_bert, sides, candidate, tokens, mask, types):
    assert laid_out(tiny_bert, sides, candidate) == (tokens, mask, types)


def test_sep_is_in_the_middle_if_sides_are_counted_in_tokens(tiny_bert):
    system, text = system_and_text(tiny_bert, CrossSegmentOptions(sides="tokens:7"))
    rows = system.rows(text, np.flatnonzero(text.layout.is_candidate))
    assert rows.ids.shape[1] == 2 * 7 + 3
    assert (rows.ids[:, 8] == system.backbone.sep_token).all()
    assert ((rows.ids == system.backbone.padding) == (rows.mask == 0)).all()


@st.composite
def texts(draw):
    sentences = draw(st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=5), min_size=1))
    starts = np.cumsum([0, *(length for document in sentences for length in document)])
    offsets = np.cumsum([0, *(len(document) for document in sentences)])
    return Text(np.arange(starts[-1]), starts, Layout.unlabelled(offsets))


@given(texts(), st.sampled_from(["sentences", "tokens"]), st.integers(1, 4), st.integers(2, 12))
def test_sides_are_the_nearest_tokens_of_the_same_document(text, unit, count, room):
    candidates = np.flatnonzero(text.layout.is_candidate)
    found = spans(text, candidates, Sides(unit, count), room)
    for candidate, *span in zip(candidates, *found, strict=True):
        begin, middle, end = span
        document = np.searchsorted(text.layout.offsets, candidate, side="right") - 1
        first, last = text.layout.offsets[document : document + 2]
        if unit == "sentences":
            first, last = max(first, candidate - count), min(last, candidate + count)
        left = list(text.tokens[text.starts[first] : text.starts[candidate]])
        right = list(text.tokens[text.starts[candidate] : text.starts[last]])
        if unit == "tokens":
            left, right = left[-count:], right[:count]
        while len(left) + len(right) > room:  # the longer side is truncated at its outer end
            if len(left) > len(right):
                left.pop(0)
            else:
                right.pop()
        assert abs(len(left) - (middle - begin)) <= 1
        assert len(left) + len(right) == end - begin
        assert middle == text.starts[candidate]


def test_groups_contain_every_candidate_once_with_similar_lengths(tiny_bert):
    system, text = system_and_text(tiny_bert, CrossSegmentOptions(), corpus(length=500))
    groups = system.groups(text, 16, np.random.default_rng(0))
    grouped = np.concatenate(groups)
    assert sorted(grouped) == np.flatnonzero(text.layout.is_candidate).tolist()
    begin, _, end = spans(text, grouped, system.sides, system.max_tokens)
    padded = sum(system.rows(text, group).ids.size for group in groups)
    assert padded < 1.1 * (end - begin + 3).sum()
    again = np.concatenate(system.groups(text, 16, np.random.default_rng(1)))
    assert not np.array_equal(grouped, again)


@pytest.mark.parametrize("sides", ["sentences:2", "tokens:6"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_padding_does_not_change_predictions(tiny_bert, sides, precision):
    options = CrossSegmentOptions(sides=sides)
    system, text = system_and_text(tiny_bert, options, precision=precision)
    assert system.backbone.precision == precision
    system.eval()
    with torch.inference_mode():
        together = system(text, np.arange(1, 40))
        alone = torch.cat([system(text, np.array([i])) for i in range(1, 40)])
    torch.testing.assert_close(together, alone, **TOLERANCES[precision])
    probabilities = system.predict(text)
    np.testing.assert_allclose(
        probabilities[1:40], torch.sigmoid(alone), atol=TOLERANCES[precision]["atol"]
    )
    assert probabilities[0] == probabilities[100] == 1


@pytest.mark.parametrize("sides", ["sentences:2", "tokens:6"])
def test_the_states_beside_the_middle_sep_are_classified(tiny_bert, sides):
    system, text = system_and_text(tiny_bert, CrossSegmentOptions(sides=sides, pooling="border"))
    system.eval()
    candidates = np.flatnonzero(text.layout.is_candidate)[:40]
    rows = system.rows(text, candidates)
    middle = np.array([row.tolist().index(system.backbone.sep_token) for row in rows.ids])
    with torch.inference_mode():
        states = system.backbone(rows)
        row = np.arange(len(middle))
        left, right = states[row, middle - 1], states[row, middle + 1]
        expected = system.classify(torch.cat([left, right], dim=1)).squeeze(1)
        assert torch.equal(system(text, candidates), expected)


def test_the_states_to_classify_depend_on_the_sides_unless_they_are_given():
    assert CrossSegmentOptions(sides="tokens:8").pooling == "border"
    assert CrossSegmentOptions(sides="sentences:2").pooling == "cls"
    assert CrossSegmentOptions(sides="tokens:8", pooling="cls").pooling == "cls"


@pytest.mark.parametrize("sides", ["sentence:1", "tokens", "tokens:0", "tokens:-3", "tokens:x", ""])
def test_invalid_sides_are_an_error(sides):
    with pytest.raises(UserError, match="must be sentences:N or tokens:N"):
        Sides.parse(sides)


@pytest.mark.parametrize("count", [3, 2**63 - 1, 10**30])
def test_sides_may_have_more_sentences_than_the_text(count):
    text = Text(np.arange(10), np.array([0, 2, 5, 9, 10]), Layout.unlabelled(np.array([0, 3, 4])))
    begin, middle, end = spans(text, np.array([1, 2]), Sides.parse(f"sentences:{count}"), 60)
    assert (begin.tolist(), middle.tolist(), end.tolist()) == ([0, 0], [2, 5], [9, 9])


def test_sides_too_long_for_the_model_are_an_error(tiny_bert):
    with pytest.raises(UserError, match=r"reads at most 64 tokens, so use at most tokens:30"):
        system_and_text(tiny_bert, CrossSegmentOptions(sides="tokens:31"))
    system_and_text(tiny_bert, CrossSegmentOptions(sides="tokens:30"))


def test_sides_can_use_all_positions_of_a_roberta(tiny_roberta):
    with pytest.raises(UserError, match=r"reads at most 38 tokens, so use at most tokens:17"):
        system_and_text(tiny_roberta, CrossSegmentOptions(sides="tokens:18"))
    system, text = system_and_text(tiny_roberta, CrossSegmentOptions(sides="tokens:17"))
    assert np.isfinite(system.predict(text)).all()
