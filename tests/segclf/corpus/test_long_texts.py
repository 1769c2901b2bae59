"""Long texts without line breaks are read in linear time with the same sentences."""

import signal

import pytest
import sentencex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segclf.corpus import aozora, plain, read_unsegmented, sentences
from segclf.corpus.markup import blocks_of, parse_html
from segclf.corpus.options import ReadOptions
from segclf.corpus.sentences import LOOKAHEAD, SENTENCE_RULES, WINDOW, split_sentences
from tests.conftest import HANG

SENTENCE_SPANS = SENTENCE_RULES["sentencex"].spans


@pytest.fixture
def pieces(monkeypatch):
    """Lengths of the texts that sentencex is given."""
    lengths = []
    whole = sentencex.segment

    def segment(language, text):
        lengths.append(len(text))
        return whole(language, text)

    monkeypatch.setattr(sentences.sentencex, "segment", segment)
    return lengths


HARD = {
    "quoted": "「あ。」",
    "short sentences": "あ。",
    "quotes that are not closed": '「あ。"い"',
    "no end": "あ",
    "brackets that are not closed": " (a. B",
    "stops": "。",
    "whitespace": " ",
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_sentencex_gets_short_windows_with_little_overlap(pieces, text):
    text = text * (40_000 // len(text))
    spans = list(SENTENCE_SPANS(text, "ja"))
    assert max(pieces, default=0) <= WINDOW
    assert sum(pieces) <= len(text) * WINDOW / (WINDOW - 2 * LOOKAHEAD)
    assert "".join(text[start:end] for start, end in spans) == text or text.isspace()


def joined_novel(shared, start, length):
    text = read_unsegmented(shared / "data/soseki/test/meian.txt").text
    return "".join(text.split())[start : start + length]


def cut_with(monkeypatch, window, lookahead, text, language):
    with monkeypatch.context() as patch:
        patch.setattr(sentences, "WINDOW", window)
        patch.setattr(sentences, "LOOKAHEAD", lookahead)
        return list(SENTENCE_SPANS(text, language))


@pytest.mark.parametrize("start", [0, 100_000, 200_000])
def test_windows_do_not_change_the_sentences_of_a_novel_on_one_line(shared, monkeypatch, start):
    text = joined_novel(shared, start, 20_000)
    whole = cut_with(monkeypatch, len(text), 0, text, "ja")
    assert len(whole) > 300
    assert list(SENTENCE_SPANS(text, "ja")) == whole
    assert cut_with(monkeypatch, 2048, 1024, text, "ja") == whole


# no lists such as "a) One. b) Two. ": sentencex reads "b) Two." with the item before it; and no
# abbreviation at the beginning of a sentence, which sentencex does not recognize in "。Dr. Meier"
SENTENCES = st.sampled_from(
    [
        "雨が降る。",
        "「寒い。」と言う。",
        "「風。雪。」",
        "（一。二。）三。",
        "何！？",
        "\u3000夜。",
        "So said Dr. Meier. ",
        'He said, "No. Not yet." ',
        "It was 5 p.m. then. ",
        "a@b.com. ",
    ]
)


@settings(deadline=None)
@given(st.lists(SENTENCES, min_size=1, max_size=120).map("".join))
@example("雨。" * 200)
def test_windows_do_not_change_sentences_if_quotes_are_shorter_than_the_lookahead(text):
    with pytest.MonkeyPatch.context() as patch:
        whole = cut_with(patch, len(text), 0, text, "ja")
        assert cut_with(patch, 256, 128, text, "ja") == whole


def test_a_sentence_longer_than_a_window_is_not_cut():
    text = "雨。" + "あ" * (3 * WINDOW) + "。風。"
    spans = list(SENTENCE_SPANS(text, "ja"))
    assert [text[start:end] for start, end in spans] == ["雨。", text[2:-2], "風。"]


@pytest.fixture
def no_backtracking():
    """Fail after `HANG` seconds of CPU time, however busy the machine is.

    The texts are so long that reading them takes about a second if the time is linear, and hours
    if a regular expression scans the rest of a text from each of its positions.
    """

    def fail(*_):
        pytest.fail(f"not finished after {HANG} seconds of CPU time")

    before = signal.signal(signal.SIGVTALRM, fail)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANG)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


UNCLOSED = {
    "blocks": "［＃ここから見出し］" * 600_000,
    "marks of blocks": "［＃ここから見出し" * 600_000,
    "a long annotation": "［＃" + "見出し" * 2_000_000,
    "annotations": "［＃" * 300_000,
    "nested annotations": "［＃［＃あ］" * 200_000,
    "characters": "※［＃" * 200_000,
    "ruby": "《" * 500_000,
    "accents": "〔" * 500_000,
    "an indented annotation": " " * 500_000 + "［",
    "a line of annotations": "［＃改頁］ " * 100_000 + "あ",
}


@pytest.mark.usefixtures("no_backtracking")
@pytest.mark.parametrize("text", UNCLOSED.values(), ids=UNCLOSED)
def test_unclosed_markup_takes_linear_time(text):
    kept, _ = aozora.strip_markup(text, keep_headings=False)
    assert len(kept) <= len(text)


PAIRS = ["c,", "ae&", "l/", "?@", "e", ","]


@pytest.mark.usefixtures("no_backtracking")
@pytest.mark.parametrize("pair", PAIRS)
def test_accents_are_composed_in_linear_time(pair):
    notation = f"〔{pair * 500_000}〕"
    assert len(aozora.strip_markup(notation, keep_headings=False)[0]) <= len(notation)


PAGES = {
    "scripts": "<script>" * 500_000,
    "beginnings of scripts": "<script " * 500_000,
    "a long beginning": "<script" + " " * 2_000_000,
    "scripts that end in part": "<script>" + "</script " * 500_000,
    "scripts and styles": "<script><style>" * 300_000,
    "comments": "<!--" * 500_000,
    "ends of tags": "<script/" * 500_000,
    "slashes": "<a" + "/" * 2_000_000,
}


@pytest.mark.usefixtures("no_backtracking")
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_markup_of_a_page_that_is_not_closed_takes_linear_time(page):
    assert not blocks_of(parse_html(page, "page.html"))


HEADERS = {
    "dashes": "-" * 500_000,
    "rulers": ("-" * 20 + "\n") * 50_000,
    "a header that is not closed": "-" * 20 + "\n【記号】\n" + "あ\n" * 500_000,
    "a bracket that is not closed": "-" * 20 + "\n【" + "記号" * 600_000,
}


@pytest.mark.usefixtures("no_backtracking")
@pytest.mark.parametrize("text", HEADERS.values(), ids=HEADERS)
def test_a_header_is_searched_for_in_linear_time(text):
    assert not aozora.is_whole_file(text)
    assert aozora.body_of(text) == text


RUNS = {
    "newlines": "あ" + "\n" * 2_000_000 + "a",
    "spaces": "あ" + " " * 500_000 + "い",
    "spaces at an end": "。" + " " * 500_000 + "い",
    "a heading of spaces": "#" + " " * 500_000,
    "dashes": "-" * 500_000,
    "digits": "1" * 500_000,
}


@pytest.mark.usefixtures("no_backtracking")
@pytest.mark.parametrize("rule", SENTENCE_RULES)
@pytest.mark.parametrize("text", RUNS.values(), ids=RUNS)
def test_reading_takes_linear_time(rule, text):
    sentences = split_sentences(text, SENTENCE_RULES[rule], "ja")
    assert sum(map(len, sentences)) <= len(text)
    (document,) = plain.read(text, "x", ReadOptions("blank", rule, "ja"))
    assert sum(map(len, document.sentences)) <= len(text)
