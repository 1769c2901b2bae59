"""Readers for Aozora Bunko, Choi's data sets and JSON Lines; reading texts to segment."""

import json
import os
from typing import get_args

import pytest

from embedcache import UserError
from segclf.corpus import FORMATS, FormatName, aozora, read_corpus
from segclf.corpus.listing import list_sources
from segclf.corpus.read import read_unsegmented
from segclf.corpus.units import split_units
from tests.segclf.corpus.texts import INDENTED, labelled, read, write


def test_every_format_has_a_reader():
    assert sorted(FORMATS) == sorted(get_args(FormatName))


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
def test_notes_on_characters_are_replaced_by_the_character_or_geta(note, character):
    assert aozora.strip_markup(f"あ※［＃{note}］い", keep_headings=False)[0] == f"あ{character}い"


@pytest.mark.parametrize(
    ("notation", "text"),
    [
        ("De'ja` vu, madame", "Déjà vu, madame"),
        ("La Bruye`re, avec l'ami; c'est, dit-il", "La Bruyère, avec l'ami; c'est, dit-il"),
        ("Les Me'lodies, Lehmann: Das Ma:dchen", "Les Mélodies, Lehmann: Das Mädchen"),
        ("Franc,ois et I_c,a_na", "François et Īçāna"),
        ("O/rsted, Mo/ller, Wal/e,sa, HAL/O", "Ørsted, Møller, Wałe,sa, HAŁO"),
        ("?@Que'? !@Sen~or!", "¿Qué? ¡Señor!"),
        ("amicitiae& OEuvre OE&uvre Stras&e", "amicitiæ OEuvre Œuvre Straße"),
        ("A&ngstro:m, C^apek, Tu~, na_", "Ångström, Ĉapek, Tũ, nā"),
    ],
)
def test_only_the_notations_of_aozora_become_accented_letters(notation, text):
    assert aozora.strip_markup(f"〔{notation}〕", keep_headings=True)[0] == text


@pytest.mark.parametrize("text", ["〔Bonjour, monsieur: l'ami〕", "〔Hello, world, friend_〕"])
def test_punctuation_in_the_brackets_of_accented_letters_is_kept(text):
    assert aozora.strip_markup(text, keep_headings=True)[0] == text


def test_brackets_given_as_notes_are_not_ruby():
    text = "※［＃始め二重山括弧、1-1-52］言葉《ことば》※［＃終わり二重山括弧、1-1-53］"
    assert aozora.strip_markup(text, keep_headings=False)[0] == "《言葉》"


def test_an_aozora_file_without_ruby_is_recognized_by_its_colophon(tmp_path):
    text = "題\r\n著者\r\n\r\n　雨。\r\n「傘。」\r\n\r\n底本：「本」\r\n　　　2000年\r\n"
    assert labelled(read(write(tmp_path, text.encode("cp932")))) == [
        ("雨。", True),
        ("「傘。」", False),
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_headings_are_removed_with_their_lines(newline):
    lines = [
        "　［＃５字下げ］一［＃「一」は中見出し］",
        "　雨。",
        "［＃ここから大見出し］",
        "上",
        "［＃ここから中見出し］先生",
        "［＃ここで大見出し終わり］風。",
        "［＃ここから中見出し］",
        "私は二［＃「二」は小見出し］",
    ]
    text, headings = aozora.strip_markup(newline.join(lines), keep_headings=False)
    assert headings == 4
    assert text.split() == ["雨。", "風。"]
    kept, headings = aozora.strip_markup(newline.join(lines), keep_headings=True)
    assert (headings, kept.split()) == (0, ["一", "雨。", "上", "先生", "風。", "私は二"])


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
    """Ruby is kept inline, as in the plain version.

    The editions differ in the kanji for some words, in a few two-character lines of dialogue, and
    in one note by the author; those of Sorekara also differ in the orthography of the whole text.
    """
    marked = plain_text_of(shared / "data/aozora" / f"{name}.txt")
    inline = marked.replace("《", "").replace("》", "") if name != "1746_ruby_18324" else marked
    body, _ = aozora.strip_markup(aozora.body_of(inline), keep_headings=False)
    plain_text = plain_text_of(shared / "data/soseki" / f"{NOVELS[name]}.txt")
    ours, theirs = (paragraph_lines(text) for text in (body, plain_text))
    assert sum(begins for begins, _ in ours) == sum(begins for begins, _ in theirs)
    assert abs(len(ours) - len(theirs)) <= 4
    if name != "1746_ruby_18324":
        common = len(set(ours) & set(theirs))
        assert common >= 0.985 * len(set(theirs))


def plain_text_of(path):
    return read_unsegmented(path, format_name="plain").text


def paragraph_lines(text):
    units, _ = split_units(text, "indent")
    return [(unit.label, text[unit.start : unit.end].strip()) for unit in units]


def test_choi_has_one_sentence_per_line(tmp_path, shared):
    text = "==========\nOne .\nTwo .\n==========\nThree .\n==========\n"
    assert labelled(read(write(tmp_path, text, "0.ref"))) == [
        ("One .", True),
        ("Two .", False),
        ("Three .", True),
    ]
    corpus = read_corpus(shared / "data/choi/1/3-11")
    assert corpus.labels.sum() == 10 * len(corpus.document_ids)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_only_a_line_break_ends_a_sentence_of_choi(tmp_path, newline):
    lines = ("", "==========", "One\f1 .", "==========", "Two\u20282 .", "")
    text = newline.join(lines)
    assert labelled(read(write(tmp_path, text.encode(), "0.ref"))) == [
        ("One 1 .", True),
        ("Two 2 .", True),
    ]


def test_jsonl_contains_labelled_sentences_or_paragraphs(tmp_path):
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
        ('{"sentences": ["a"], "labels": [1, 0]}', '"sentences" has length 1, but "labels" has 2'),
        ('{"sentences": "a", "labels": [1]}', "must be a list of strings"),
        ('{"sentences": ["a"], "labels": [1], "typed": 1}', '"typed" is 1: use true or false'),
        (
            '{"sentences": ["a"], "labels": [2], "typed": false}',
            '"typed" is false, but a label',
        ),
        ('{"paragraphs": ["a"], "typed": true}', '"typed" describes labels: leave it out'),
        ('{"text": "a"}', 'expected an object with "sentences" or "paragraphs"'),
        ('{"paragraphs": ["a"], "split": "x"}', "\"split\" is 'x'"),
        ('{"paragraphs": ["a"]}\n{', "line 2: invalid JSON"),
        ('{"paragraphs": ["a \\ud83d b"]}', "line 1: unpaired surrogate"),
        ('{"paragraphs": [', "line 1: invalid JSON"),
        ('[{"paragraphs": ["a"]}]', "expected an object"),
        ('{"paragraphs": ["a"]}\n{"id": ' + "1" * 5000 + "}", "line 2: .*a number is too long"),
        ('{"id": ' + "[" * 100_000, "line 1: invalid JSON .* the nesting is too deep"),
    ],
)
def test_errors_in_jsonl_contain_the_line_number(tmp_path, line, message):
    with pytest.raises(UserError, match=message):
        read_corpus(write(tmp_path, line, "x.jsonl"))


@pytest.mark.parametrize("start", ['{"id": ' + "1" * 5000 + "}", '{"id": ' + "[" * 100_000])
def test_a_text_may_begin_like_json_that_cannot_be_read(tmp_path, start):
    text = start + "\nIt rained.\n"
    assert read_unsegmented(write(tmp_path, text)).text == text


def test_a_document_without_an_id_is_named_after_its_line(tmp_path):
    lines = [
        '{"paragraphs": ["a"]}',
        '{"paragraphs": ["a"], "id": null}',
        '{"paragraphs": ["a"], "id": 0}',
    ]
    path = write(tmp_path, "\n".join(lines), "x.jsonl")
    assert list(read_corpus(path).document_ids) == ["x.jsonl:1", "x.jsonl:2", "0"]


def test_the_label_of_an_empty_sentence_moves_to_the_next(tmp_path):
    line = json.dumps({"sentences": ["One.", " ", "Two.", "Three."], "labels": [1, 1, 0, 0]})
    assert read(write(tmp_path, line, "x.jsonl")).labels.tolist() == [True, True, False]


def test_a_file_name_that_is_not_utf8_is_an_error(tmp_path):
    path = tmp_path / os.fsdecode(b"\x83\x84.txt")
    path.write_text("One.")
    for source in (path, tmp_path):
        with pytest.raises(UserError, match=r"^\S+\.txt: the file name is not UTF-8") as caught:
            read_corpus(source)
        assert str(caught.value).isascii()


def test_a_file_whose_name_is_not_utf8_is_skipped_on_request(tmp_path):
    bad = tmp_path / os.fsdecode(b"\x83\x84.txt")
    for path in (bad, tmp_path / "good.txt"):
        path.write_text("One.")
    corpus = read_corpus(tmp_path, split="train", strict=False)
    assert corpus.document_ids == ["good.txt"]
    unreadable = {}
    assert [source.id for source in list_sources(str(tmp_path), unreadable)] == ["good.txt"]
    assert list(unreadable) == [bad]
    assert tuple(unreadable.values()) == corpus.skipped


WHOLE_FILE = (
    "題\r\n著者\r\n\r\n私《わたくし》は［＃「は」に傍点］来た。\r\n\r\n"
    "底本：「本」\r\n　　　2000年\r\n入力：ある人\r\n"
)
NOT_OF_THE_LIBRARY = {
    "notes": "　彼は［＃ここは要確認］来た。\n《重要》雨。\n※［＃注］\n",
    "an essay on editions": "　諸本がある。\n底本：「本」初版。\n　以下に述べる。\n",
    "rulers": "題\n" + "-" * 40 + "\n　彼は《それ》を見た。\n" + "-" * 40 + "\n　雨。\n",
}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_whole_file_of_aozora_is_segmented_without_its_markup(tmp_path, newline):
    ruler = "-" * 55
    header = f"題\r\n{ruler}\r\n【テキスト中に現れる記号について】\r\n《》：ルビ\r\n{ruler}\r\n\r\n"
    body, colophon = WHOLE_FILE[: WHOLE_FILE.index("底本")], WHOLE_FILE[WHOLE_FILE.index("底本") :]
    text = body.replace("題\r\n著者\r\n\r\n", "［＃ここから２字下げ］\r\n")
    for whole in (WHOLE_FILE, header + text, header + text + colophon):
        path = write(tmp_path, whole.replace("\r\n", newline).encode("cp932"))
        assert read_unsegmented(path).text == "私は来た。"
        assert labelled(read(path)) == [("私は来た。", True)]


def test_rulers_that_do_not_enclose_an_explanation_of_the_markup_remove_no_text():
    ruler = "-" * 40
    excerpt = f"　雨［＃「雨」に傍点］。\n{ruler}\n　風。\n{ruler}\n　雪。\n"
    assert aozora.body_of(excerpt) == excerpt
    colophon = f"底本：「本」\n{ruler}\n入力：ある人\n"
    assert aozora.body_of(f"題\n\n　雨。\n{ruler}\n　風。\n{colophon}") == (
        f"　雨。\n{ruler}\n　風。\n"
    )
    header = f"題\n{ruler}\n【記号について】\n{ruler}\n"
    assert aozora.body_of(header + excerpt + colophon).strip("\n") == excerpt.strip("\n")
    unclosed = f"題\n{ruler}\n【記号について】\n　雨。\n"
    assert aozora.body_of(unclosed) == unclosed
    assert not aozora.is_whole_file(unclosed)


@pytest.mark.parametrize("text", NOT_OF_THE_LIBRARY.values(), ids=NOT_OF_THE_LIBRARY)
def test_a_text_to_segment_that_is_not_from_aozora_is_unchanged(tmp_path, text):
    assert read_unsegmented(write(tmp_path, text)).text == text


def test_the_format_of_a_text_to_segment_can_be_given(tmp_path):
    whole = write(tmp_path, WHOLE_FILE, "whole.txt")
    assert read_unsegmented(whole, format_name="plain").text == WHOLE_FILE
    excerpt = "　一［＃「一」は中見出し］\n\n　彼は［＃「は」に傍点］来た。\n\n「おい」\n"
    read = read_unsegmented(write(tmp_path, excerpt), format_name="aozora")
    assert read.text == "　一\n\n　彼は来た。\n\n「おい」"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", '{"paragraphs": ["a"]}'),
        ("a.txt", "==========\nOne .\n"),
        ("a.JSONL", "[{}]"),
    ],
)
def test_a_segmented_corpus_is_read_as_plain_text_only_on_request(tmp_path, name, text):
    path = write(tmp_path, text, name)
    with pytest.raises(UserError, match="segment takes plain text: use --input-format plain"):
        read_unsegmented(path)
    assert read_unsegmented(path, format_name="plain").text == text


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp932", "euc_jp"]
)
def test_a_text_to_segment_keeps_its_encoding_and_mark(tmp_path, encoding):
    data = (INDENTED * 3).encode(encoding)
    source = read_unsegmented(write(tmp_path, data))
    assert source.encoding.encode(source.text) == data


def test_the_first_label_of_a_document_is_always_true(tmp_path):
    line = json.dumps({"sentences": ["One.", "Two."], "labels": [0, 0]})
    assert read_corpus(write(tmp_path, line, "x.jsonl")).labels.tolist() == [True, False]


def test_blank_lines_of_choi_are_left_out(tmp_path):
    line = "=" * 10
    path = write(tmp_path, f"{line}\nOne.\n\nTwo.\n{line}\n\nThree.\n{line}\n", "1.ref")
    assert labelled(read(path)) == [("One.", True), ("Two.", False), ("Three.", True)]
