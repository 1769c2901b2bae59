"""Texts to segment: headings, existing paragraphs, wrapped lines, and text without punctuation."""

import pytest

from embedcache import UserError
from segclf.corpus import read_unsegmented
from segclf.corpus.headings import find_headings
from segclf.corpus.joining import WordJoiner, unwrap
from segclf.corpus.lines import lines_of
from segclf.corpus.sentences import sentence_rule
from segclf.corpus.unpunctuated import add_punctuation, cut_unpunctuated
from segclf.corpus.unsegmented import read_lines, read_sentences
from tests.segclf.corpus.texts import write

RULE = sentence_rule("sentencex")


def read(text, language="en"):
    return read_sentences(text, RULE, language, cut_dialogue=False)


def headings_of(text):
    lines = lines_of(text)
    return [
        text[a:b].strip() for (a, b), h in zip(lines, find_headings(text, lines), strict=True) if h
    ]


def paragraphs_of(text, language="en"):
    """Sentences of each paragraph that the text already has; headings are left out."""
    found = read(text, language)
    paragraphs = []
    for sentence, begins, heading in zip(
        found.sentences, found.begins, found.is_heading, strict=True
    ):
        if heading:
            continue
        if begins:
            paragraphs.append([])
        paragraphs[-1].append(sentence.text)
    return paragraphs


BODY = "It rained on the\ntown. Nobody came."


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "heading",
    [
        "CHAPTER I.", "Chapter Two", "Chapitre III", "Kapitel 4", "Capítulo V", "第一章", "二",
        "# Rain", "* * *", "＊", "————", "XIV", "12", "The Storm", "II. The Storm",
        "Erstes Kapitel", "　　一の三", "上　先生と私", "DOWN THE RABBIT-HOLE",
    ],
)  # fmt: skip
def test_a_short_line_set_off_by_blank_lines_is_a_heading(heading, newline):
    text = f"{heading}\n\n{BODY}\n\n{heading}\n\n{BODY}\n".replace("\n", newline)
    assert headings_of(text) == [heading.strip()] * 2
    assert paragraphs_of(text) == [["It rained on the town.", "Nobody came."]] * 2


@pytest.mark.parametrize(
    "line",
    [
        "He left.", "“Why?”", "「なぜ」", "— Oui", "«Sí»", "- milk", "• milk", "1. milk",
        "and so on", "Yours truly,", "雨が降る。", "彼は言った：",
        "Rain fell on the town and the river and the sea",
    ],
)  # fmt: skip
def test_sentences_dialogue_and_items_are_not_headings(line):
    assert headings_of(f"{BODY}\n\n{line}\n\n{BODY}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "One line",
        "I\n\nII\n\nIII\n",
        "It was late. It rained on the\n\nOld Town\n\nand on the sea.",  # a page break
        "The river\n\nThe sea\n\nThe town\n\nA bird sang. It was late.",  # captions or verse
        "He was number\nI\nand she came\nlater.",
        f"{BODY}\nThe Storm\n{BODY}",
    ],
)
def test_a_line_in_doubt_is_not_a_heading(text):
    assert headings_of(text) == []


def test_a_title_and_its_chapter_number_are_two_headings():
    text = f"The Lighthouse\n\nCHAPTER I.\nThe Storm\n\n{BODY}\n\n{BODY}\n\n{BODY}\n"
    assert headings_of(text) == ["The Lighthouse", "CHAPTER I.", "The Storm"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        ("One. Two.\nThree.\n", [["One.", "Two."], ["Three."]]),
        ("One.\nTwo.\n\nThree.\nFour.\n", [["One.", "Two."], ["Three.", "Four."]]),
        ("One is\nlong. Two.\n\nThree is\nlong.", [["One is long.", "Two."], ["Three is long."]]),
        ("  One is\nlong. Two.\n  Three is\nlong.", [["One is long.", "Two."], ["Three is long."]]),
        ("One is\nlong. Two is\nlong.\nThree is.", [["One is long.", "Two is long.", "Three is."]]),
        ("  One is\n  long. Two\n  is long.", [["One is long.", "Two is long."]]),
    ],
)
def test_blank_lines_indents_and_unwrapped_lines_are_existing_paragraphs(text, paragraphs, newline):
    assert paragraphs_of(text.replace("\n", newline)) == paragraphs


def test_wrapped_japanese_is_joined_without_spaces():
    text = "　雨が降って\nいた。彼は傘\nを忘れた。\n　夜になって\n風が吹い\nた。\n"
    found = [["雨が降っていた。", "彼は傘を忘れた。"], ["夜になって風が吹いた。"]]
    assert paragraphs_of(text, "ja") == found


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("text", "language", "joined"),
    [
        ("an exam-\nple, for example", "en", "an example, for example"),
        ("an exam-\nple", "en", "an exam-ple"),  # no evidence
        ("a well-\nknown fact", "en", "a well-known fact"),
        ("well-\nknown, as all well-known men", "en", "well-known, as all well-known men"),
        ("dit-\nil et peut-\nêtre", "fr", "dit-il et peut-être"),
        (
            "Peut-\nêtre, dit-\nil, le so-\nleil bril-\nla",
            "fr",
            "Peut-être, dit-il, le soleil brilla",
        ),
        ("der Leucht-  \n turm", "de", "der Leuchtturm"),
        ("Haupt-\nund Nebenwege", "de", "Haupt- und Nebenwege"),
        ("die Nord-\nSee", "de", "die Nord-See"),
        ("soft\u00ad\nware", "en", "software"),
        ("a ri-\nver, a moun-\ntain, a wa-\nter", "en", "a river, a mountain, a water"),
        ("ri-\nver moun-\ntain rain-\ncoat rain coat", "en", "river mountain rain-coat rain coat"),
        ("he came -\nshe left", "en", "he came - she left"),
        ("Donau-\ndampf-\nschiffahrt", "de", "Donaudampfschiffahrt"),
        ("Donau\u00ad\ndampf\u00ad\nschiff\u00ad\nfahrt", "en", "Donaudampfschifffahrt"),
        ("mother-\nin-\nlaw", "en", "mother-in-law"),
        ("Haupt-\nund Neben-\nwege", "de", "Haupt- und Nebenwege"),
    ],
)
def test_a_word_is_joined_only_if_its_hyphen_is_not_its_own(text, language, joined, newline):
    text = text.replace("\n", newline)
    assert unwrap(WordJoiner.of(text, language).join(text)) == joined


def test_a_word_may_be_divided_over_many_lines():
    text = "ab-\n" * 100_000 + "ab"
    assert WordJoiner.of(text, "de").join(text) == "ab" * 100_001


def test_a_divided_word_is_joined_in_the_sentence():
    found = read("Der Leucht-\nturm war alt. Er stand am Meer.", "de")
    assert [s.text for s in found.sentences] == ["Der Leuchtturm war alt.", "Er stand am Meer."]


@pytest.mark.parametrize("cut_dialogue", [False, True])
def test_divided_words_are_joined_whether_or_not_sentences_are_cut_after_dialogue(cut_dialogue):
    text = "The exam-\nple was good for the other peo-\nple in the coun-\ntry. All went to\nsleep."
    found = read_sentences(text, RULE, "en", cut_dialogue=cut_dialogue)
    assert [s.text for s in found.sentences] == [
        "The example was good for the other people in the country.",
        "All went to sleep.",
    ]


def test_no_part_of_a_sentence_that_is_cut_after_dialogue_is_empty():
    found = read_sentences("「行け」雨。寒い。", sentence_rule("kuten"), "ja", cut_dialogue=True)
    assert [s.text for s in found.sentences] == ["「行け」", "寒い"]


def test_a_heading_of_one_character_is_kept_by_the_rule_that_drops_such_sentences():
    text = "一\n\n　雨が降る。風。\n"
    found = read_sentences(text, sentence_rule("kuten"), "ja", cut_dialogue=False)
    assert [s.text for s in found.sentences] == ["一", "雨が降る"]
    assert found.is_heading.tolist() == [True, False]


SPOKEN = "so we went to the river and then it rained all day, but nobody had a coat or a hat "


def test_a_transcript_on_one_line_is_cut_into_pieces():
    found = read(SPOKEN * 10)
    assert "each piece of about 20 words is treated as a sentence" in found.note
    assert {len(s.text.split()) for s in found.sentences} <= set(range(6, 27))
    assert "".join((SPOKEN * 10)[s.start : s.end] for s in found.sentences) == SPOKEN * 10
    assert found.sentences[0].text.endswith("it rained all day,")


def test_a_japanese_transcript_is_cut_after_commas_or_50_characters():
    found = read(
        "それから川に行ったのですが雨が降ってきて誰も傘を持っていなかったので、" * 10, "ja"
    )
    assert "each piece of about 50 characters" in found.note
    assert all(s.text.endswith("、") for s in found.sentences)
    assert {len(s.text) for s in read("あ" * 500, "ja").sentences} == {50}


def test_a_transcript_with_lines_ends_a_sentence_at_each_line():
    found = read("so we went to the river\nand then it rained\nall day\n" * 10)
    assert "each line is treated as a sentence" in found.note
    assert [s.text for s in found.sentences[:3]] == [
        "so we went to the river", "and then it rained", "all day",
    ]  # fmt: skip
    both = read(("so we went\n" + SPOKEN * 10 + "\n") * 2)
    assert "each line or piece of about 20 words" in both.note


@pytest.mark.parametrize(
    "text",
    [
        "It rained all day. " * 100 + SPOKEN * 8,
        "a short line without any end",
        "「雨が降る」" * 5,
        "word " * 80 + ". " + "word " * 20,
    ],
)
def test_text_with_punctuation_is_not_cut(text):
    spans = (
        [(0, len(text))] if "." not in text else [(s.start, s.end) for s in read(text).sentences]
    )
    assert cut_unpunctuated(text, spans) == (spans, None)


def test_models_read_missing_full_stops_only_if_nearly_all_are_missing():
    assert add_punctuation(["so we went", "it rained"], "en") == ["So we went.", "It rained."]
    assert add_punctuation(["雨が降る", "風も吹く"], "ja") == ["雨が降る。", "風も吹く。"]
    assert add_punctuation(["So we went.", "it rained"], "en") == ["So we went.", "it rained"]
    assert add_punctuation(["so we went,", "it rained"], "en") == ["So we went.", "It rained."]
    assert add_punctuation(["雨が降るのに、"], "ja") == ["雨が降るのに。"]


def test_lines_can_be_sentences():
    found = read_lines("CHAPTER I\r\n\r\n  One. Two.\r\nand thr-\r\nee\r\n")
    assert [s.text for s in found.sentences] == ["CHAPTER I", "One. Two.", "and thr-", "ee"]
    assert not found.is_heading.any()
    assert not found.begins.any()
    with pytest.raises(UserError, match="no sentences"):
        read_lines(" \n\n")


def test_an_unknown_format_is_an_error(tmp_path):
    with pytest.raises(UserError, match="unknown format 'pdf'"):
        read_unsegmented(write(tmp_path, "One.", "a.txt"), format_name="pdf")
