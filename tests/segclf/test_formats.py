"""Aozora Bunko, Choi's sets and JSON Lines -> sentences and labels; texts to segment."""

import json
import os

import pytest

from embedcache import UserError
from segclf.corpus import aozora, read_corpus
from segclf.corpus.layout import units_of
from segclf.corpus.read import read_text, read_unsegmented
from tests.segclf.texts import INDENTED, labelled, read, write


def test_aozora_markup_is_removed(tmp_path):
    text = (
        "題\r\n著者\r\n\r\n" + "-" * 55 + "\r\n【記号】《》：ルビ\r\n" + "-" * 55 + "\r\n\r\n"
        "［＃５字下げ］一［＃「一」は中見出し］\r\n\r\n"
        "　私《わたくし》は一人｜麦藁帽《むぎわらぼう》を"
        "※［＃「てへん＋劣」、第3水準1-84-77］った。\r\n"
        "［＃ここから２字下げ］\r\n"
        "「〔ve'rite'〕だ」※［＃「口＋堯」、U+5635、71-2］［＃「だ」に傍点］\r\n"
        "［＃ここで字下げ終わり］\r\n\r\n底本：「本」\r\n　　　2000年\r\n"
    )
    corpus = read(write(tmp_path, text.encode("cp932")))
    assert labelled(corpus) == [
        ("私は一人麦藁帽を挘った。", True),
        ("「véritéだ」嘵", False),
    ]
    assert corpus.headings_removed == 1


@pytest.mark.parametrize(
    ("note", "character"),
    [
        ("「てへん＋劣」、第3水準1-84-77", "挘"),
        ("始め二重山括弧、1-1-52", "《"),
        ("第1水準1-99-1", "〓"),
        ("U+110000", "〓"),
        ("U+D800", "〓"),
        ("説明だけ", "〓"),
    ],
)
def test_a_note_on_a_character_becomes_it_or_the_mark_of_a_missing_one(note, character):
    assert aozora.strip_markup(f"あ※［＃{note}］い", keep_headings=False)[0] == f"あ{character}い"


def test_brackets_that_are_text_are_no_ruby():
    text = "※［＃始め二重山括弧、1-1-52］言葉《ことば》※［＃終わり二重山括弧、1-1-53］"
    assert aozora.strip_markup(text, keep_headings=False)[0] == "《言葉》"


def test_an_aozora_file_without_ruby_is_known_by_its_colophon(tmp_path):
    text = "題\r\n著者\r\n\r\n　雨。\r\n「傘。」\r\n\r\n底本：「本」\r\n　　　2000年\r\n"
    assert labelled(read(write(tmp_path, text.encode("cp932")))) == [
        ("雨。", True),
        ("「傘。」", False),
    ]


NOVELS = {
    "765_ruby_2469": "train/higan",
    "773_ruby_5968": "dev/kokoro",
    "775_ruby_2064": "train/gyoujin",
    "782_ruby_2315": "test/meian",
    "785_ruby_1656": "train/mon",
    "794_ruby_4237": "train/sansirou",
    "1746_ruby_18324": "train/sorekara",
}


@pytest.mark.parametrize("name", NOVELS)
def test_a_novel_from_aozora_and_its_plain_version_have_the_same_paragraphs(shared, name):
    """With ruby kept inline, as the plain version has it.

    The editions differ in the kanji for some words, in a few two-character lines of dialogue, and
    in one note of the author; those of Sorekara also in the orthography of the whole text.
    """
    marked = read_text(shared / "data/aozora" / f"{name}.txt")
    inline = marked.replace("《", "").replace("》", "") if name != "1746_ruby_18324" else marked
    body, _ = aozora.strip_markup(aozora.body_of(inline), keep_headings=False)
    plain_text = read_text(shared / "data/soseki" / f"{NOVELS[name]}.txt")
    ours, theirs = (paragraph_lines(text) for text in (body, plain_text))
    assert sum(begins for begins, _ in ours) == sum(begins for begins, _ in theirs)
    assert abs(len(ours) - len(theirs)) <= 4
    if name != "1746_ruby_18324":
        common = len(set(ours) & set(theirs))
        assert common >= 0.985 * len(set(theirs))


def paragraph_lines(text):
    units, _ = units_of(text, "indent")
    return [(unit.begins_paragraph, text[unit.start : unit.end].strip()) for unit in units]


def test_choi_has_a_sentence_a_line(tmp_path, shared):
    text = "==========\nOne .\nTwo .\n==========\nThree .\n==========\n"
    assert labelled(read(write(tmp_path, text, "0.ref"))) == [
        ("One .", True),
        ("Two .", False),
        ("Three .", True),
    ]
    corpus = read_corpus(shared / "data/choi/1/3-11")
    assert corpus.labels.sum() == 10 * len(corpus.document_ids)


def test_jsonl_holds_labelled_sentences_or_paragraphs(tmp_path):
    lines = [
        {"id": "a", "sentences": ["One.", "Two."], "labels": [1, 0], "split": "dev"},
        {"id": "b", "paragraphs": ["Three. Four.", "Five."], "split": "train"},
    ]
    path = write(tmp_path, "\n".join(map(json.dumps, lines)), "x.jsonl")
    corpus = read_corpus(path)
    assert corpus.document_ids == ["a", "b"]
    assert corpus.splits == ["dev", "train"]
    assert corpus.labels.tolist() == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"sentences": ["a"]}', 'line 1: "labels" are missing'),
        ('{"sentences": ["a"], "labels": [1, 0]}', "1 sentences but 2 labels"),
        ('{"sentences": "a", "labels": [1]}', "must be a list of strings"),
        ('{"text": "a"}', 'expected an object with "sentences" or "paragraphs"'),
        ('{"paragraphs": ["a"], "split": "x"}', "\"split\" is 'x'"),
        ('{"paragraphs": ["a"]}\n{', "line 2: not JSON"),
        ('{"paragraphs": ["a \\ud83d b"]}', "line 1: half a character"),
        ('{"paragraphs": [', "line 1: not JSON"),
        ('[{"paragraphs": ["a"]}]', "expected an object"),
    ],
)
def test_mistakes_in_jsonl_are_told_with_their_line(tmp_path, line, message):
    with pytest.raises(UserError, match=message):
        read_corpus(write(tmp_path, line, "x.jsonl"))


def test_a_paragraph_that_an_empty_sentence_begins_begins_with_the_next(tmp_path):
    line = json.dumps({"sentences": ["One.", " ", "Two.", "Three."], "labels": [1, 1, 0, 0]})
    assert read(write(tmp_path, line, "x.jsonl")).labels.tolist() == [True, True, False]


def test_a_name_that_is_not_utf8_is_told_before_anything_is_encoded(tmp_path):
    path = tmp_path / os.fsdecode(b"\x83\x84.txt")
    path.write_text("One.")
    for place in (path, tmp_path):
        with pytest.raises(UserError, match="its name is not UTF-8"):
            read_corpus(place)


def test_a_text_to_segment_has_no_markup_and_no_segments(tmp_path):
    text = "題\r\n著者\r\n\r\n私《わたくし》は［＃「は」に傍点］来た。\r\n\r\n底本：「本」\r\n"
    assert read_unsegmented(write(tmp_path, text.encode("cp932"))) == "私は来た。"
    assert read_unsegmented(write(tmp_path, INDENTED)) == INDENTED
    excerpt = "　一［＃「一」は中見出し］\n\n　彼は［＃「は」に傍点］来た。\n\n「おい」\n"
    assert read_unsegmented(write(tmp_path, excerpt)) == "　一\n\n　彼は来た。\n\n「おい」"
    for mistaken in ('{"paragraphs": ["a"]}', "==========\nOne .\n"):
        with pytest.raises(UserError, match="segment takes plain text"):
            read_unsegmented(write(tmp_path, mistaken))
    with pytest.raises(UserError, match="segment takes plain text"):
        read_unsegmented(write(tmp_path, "[{}]", "x.JSONL"))


def test_a_document_begins_with_a_paragraph_whatever_its_labels_say(tmp_path):
    line = json.dumps({"sentences": ["One.", "Two."], "labels": [0, 0]})
    assert read_corpus(write(tmp_path, line, "x.jsonl")).labels.tolist() == [True, False]
