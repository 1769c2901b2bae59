"""Text in many formats -> sentences and labels."""

import json
import os

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from embedcache import UserError
from segclf.corpus import Document, ReadOptions, aozora, plain, read_corpus
from segclf.corpus.decode import decode
from segclf.corpus.layout import Unit, guess_boundary, is_wrapped, units_of
from segclf.corpus.plain import sentences_in
from segclf.corpus.read import read_text, read_unsegmented
from segclf.corpus.sentences import SENTENCE_RULES
from segclf.corpus.splits import assign_splits
from tests.conftest import STORIES

INDENTED = "　雨が降る。風も吹く。\n「寒い」\n「本当に」\n　夜になった。\n"


def write(tmp_path, text, name="corpus.txt", **options):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return tmp_path / name


def read(path, **options):
    return read_corpus(path, options=ReadOptions(**options), split="train")


def labelled(corpus):
    return list(zip(corpus.sentences, corpus.labels.tolist(), strict=True))


def test_indented_lines_begin_paragraphs_and_dialogue_lines_do_not(tmp_path):
    corpus = read(write(tmp_path, INDENTED))
    assert labelled(corpus) == [
        ("雨が降る。", True),
        ("風も吹く。", False),
        ("「寒い」", False),
        ("「本当に」", False),
        ("夜になった。", True),
    ]


def test_every_line_or_every_block_can_be_a_paragraph(tmp_path):
    lines = read(write(tmp_path, INDENTED), boundary="line")
    assert lines.labels.tolist() == [True, False, True, True, True]
    wrapped = "The first line\nruns on. It ends.\n\nA second\nparagraph.\n"
    blocks = read(write(tmp_path, wrapped))
    assert labelled(blocks) == [
        ("The first line runs on.", True),
        ("It ends.", False),
        ("A second paragraph.", True),
    ]


@pytest.mark.parametrize(
    ("text", "boundary"),
    [
        (INDENTED, "indent"),
        ("一行目。二行目。\n三行目。四行目。\n\n五行目。六行目。\n七行目。八行目。\n", "line"),
        ("One.\nTwo.\nThree.\n\nFour.\nFive.\n", "blank"),
        ("A line that\nis wrapped.\n\nAnother that\nis too.\n", "blank"),
        ("A paragraph. It has two.\n\nAnother one. It too.\n", "line"),
        ("", "line"),
    ],
)
def test_the_layout_is_guessed(text, boundary):
    assert guess_boundary(text) == boundary


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp932", "euc_jp"],
)
def test_any_encoding_and_newline_reads_alike(tmp_path, encoding, newline):
    data = (INDENTED * 3).replace("\n", newline).encode(encoding)
    assert labelled(read(write(tmp_path, data))) == labelled(read(write(tmp_path, INDENTED * 3)))


def test_undecodable_bytes_are_told_with_their_offset():
    with pytest.raises(UserError, match=r"x.txt: byte 3 \(0xff\) is not UTF-8"):
        decode(b"abc\xff\xfe\x01", "x.txt")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff")))
def test_utf8_is_always_read_as_utf8(text):
    assert decode(text.encode(), "x") == text


def test_titles_are_removed_and_counted(tmp_path):
    story = "潮待ち\n\n一\n\n" + INDENTED + "\n第二章\n\n" + INDENTED + "\n# おわり\n\n" + INDENTED
    corpus = read(write(tmp_path, story))
    assert corpus.headings_removed == 4
    assert len(corpus) == 15


TITLES = (
    "第三章",
    "XIV",
    "12.",
    "Chapter 4",
    "Part One: Rain",
    "CHAPTER IV. Rain falls.",
    "Act 2.1",
)
NO_TITLES = (
    "Did.",
    "Part of him was glad.",
    "Book it now.",
    "part of the house.",
    "Part one ended.",
)


@pytest.mark.parametrize(
    ("line", "is_title"),
    [
        *[(line, True) for line in TITLES],
        *[(line, False) for line in NO_TITLES],
    ],
)
def test_a_line_that_is_a_number_is_a_title(line, is_title):
    units, headings = units_of(f"Rain fell.\n{line}\nWe stayed.", "line")
    assert (headings, len(units)) == ((1, 2) if is_title else (0, 3))


@pytest.mark.parametrize("boundary", ["blank", "indent"])
def test_titles_among_wrapped_lines_are_no_sentences(boundary):
    text = "  It rained on the\ntown.\n\n{}\n\n  The river rose in\nthe night.\n"
    for title in ("CHAPTER THIRTEEN", "Chapter twenty-one", "xiv.", "Chapter 4a", "Section A"):
        assert units_of(text.format(title), boundary)[1] == 1, title
    for title in ("Chapter 4 Who Goes There?", "Chapter 12, in which", "Act I, Scene 2", "第二章"):
        assert units_of(text.format(title), boundary)[1] == 1, title


def test_wrapped_lines_of_japanese_are_joined_without_a_space(tmp_path):
    text = "　吾輩は猫である。どこで生れ\nたか頓と見当が\nつかぬ。\n第二章\n　名前はまだ\n無い。\n"
    assert labelled(read(write(tmp_path, text))) == [
        ("吾輩は猫である。", True),
        ("どこで生れたか頓と見当がつかぬ。", False),
        ("名前はまだ無い。", True),
    ]


def test_lines_wrapped_below_an_indent_are_joined(tmp_path):
    text = (
        "  It rained on the town and\nthe river rose. We stayed in the\nhouse and read.\n"
        "  Then it was over, and we went\nout to look.\n"
    )
    assert labelled(read(write(tmp_path, text))) == [
        ("It rained on the town and the river rose.", True),
        ("We stayed in the house and read.", False),
        ("Then it was over, and we went out to look.", True),
    ]


def test_the_example_stories_have_their_size():
    corpus = read_corpus(STORIES)
    assert len(corpus.document_ids) >= 6
    assert len(corpus) >= 900
    assert corpus.labels.sum() >= 180
    assert set(corpus.splits) == {"train", "dev", "test"}


@pytest.mark.parametrize("rule", SENTENCE_RULES)
@pytest.mark.parametrize("boundary", ["auto", "indent", "line", "blank"])
@given(text=st.text("　 \t\nあ。「」a.B!?#-\u2028", max_size=60))
def test_the_layout_never_reaches_the_encoder(rule, boundary, text):
    """No sentence holds white space that a layout is made of, and none begins or ends with any."""
    (document,) = plain.read(text, "x", ReadOptions(boundary, rule))
    for sentence in document.sentences:
        assert sentence == sentence.strip() != ""
        assert not set("\u3000\t\n\r\u2028") & set(sentence)


lines = st.lists(st.text("あい。「」a.!? ", min_size=1, max_size=20).filter(str.strip), min_size=2)


@pytest.mark.parametrize("rule", SENTENCE_RULES)
@given(lines=lines, marked=st.sets(st.integers(0, 10)))
@example(lines=["? a", "?"], marked={0})
def test_the_mark_changes_labels_and_no_sentence(rule, lines, marked):
    laid_out = "\n".join("　" * (i in marked) + line for i, line in enumerate(lines))
    bare = "\n".join(lines)
    options = ReadOptions("indent", rule, "ja")
    (with_marks,), (without,) = (plain.read(text, "x", options) for text in (laid_out, bare))
    if rule == "kuten":  # counts the mark when it drops pieces of one character
        assume(not is_wrapped(bare))
        assert set(without.sentences) <= set(with_marks.sentences)
    elif is_wrapped(bare):  # a mark also parts lines that are joined else
        assert len({"".join("".join(d.sentences).split()) for d in (with_marks, without)}) == 1
    else:
        assert with_marks.sentences == without.sentences
        assert with_marks.headings == without.headings


@given(text=st.text("　 \nあ。「」a.B!?D\u2028\x1c\x85é", max_size=80))
@pytest.mark.parametrize("rule", SENTENCE_RULES)
def test_spans_stand_in_order_and_clean_to_their_sentence(rule, text):
    sentences = list(sentences_in(text, Unit(0, len(text), True), SENTENCE_RULES[rule], "ja"))
    edges = [edge for s in sentences for edge in (s.start, s.end)]
    assert edges == sorted(edges)
    for sentence in sentences:
        assert SENTENCE_RULES[rule].clean(text[sentence.start : sentence.end]) == sentence.text


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


def test_the_soseki_benchmark_has_its_counts(shared):
    corpus = read_corpus(shared / "data/soseki", options=ReadOptions("indent", "kuten"))
    counts = {name: (c["sentences"], c["boundaries"]) for name, c in corpus.counts().items()}
    assert counts == {"train": (28511, 3898), "dev": (5055, 678), "test": (11243, 1998)}
    assert corpus.headings_removed == 0


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
    assert read_corpus(write(tmp_path, line, "x.jsonl")).labels.tolist() == [True, True, False]


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


def document(name, length, **fields):
    return Document(name, ["x"] * length, np.zeros(length, dtype=bool), **fields)


def test_folders_name_splits_and_a_stray_file_is_told(tmp_path):
    for name in ("train/a.txt", "validation/b.txt", "test/c.txt"):
        write(tmp_path, INDENTED, name)
    assert read_corpus(tmp_path).splits == ["test", "train", "dev"]
    write(tmp_path, INDENTED, "stray.txt")
    with pytest.raises(UserError, match=r"stray.txt is in none of the folders"):
        read_corpus(tmp_path)


def test_one_document_is_cut_in_order():
    documents, splits = assign_splits([document("a", 100)])
    assert splits == ["train", "dev", "test"]
    assert [len(part.sentences) for part in documents] == [80, 10, 10]


@given(st.lists(st.integers(1, 500), min_size=3, max_size=40))
def test_whole_documents_go_to_splits_whatever_their_order(lengths):
    documents = [document(f"d{i}", length) for i, length in enumerate(lengths)]
    kept, splits = assign_splits(documents)
    assert kept == documents
    assert set(splits) == {"train", "dev", "test"}
    _, reversed_splits = assign_splits(documents[::-1])
    assert reversed_splits[::-1] == splits


def test_shares_can_be_given():
    documents = [document(f"d{i}", 10) for i in range(20)]
    _, splits = assign_splits(documents, "50/25/25")
    assert [splits.count(name) for name in ("train", "dev", "test")] == [10, 5, 5]
    with pytest.raises(UserError, match="--split nonsense"):
        assign_splits(documents, "nonsense")


def test_what_cannot_be_read_is_told(tmp_path):
    (tmp_path / "folder").mkdir()
    for path, message in [
        (tmp_path / "none.txt", "no such file"),
        (tmp_path / "folder", r"no .*\.txt.* file in this folder"),
        (write(tmp_path, "", "empty.txt"), "no sentence in it"),
        (write(tmp_path, "\n \n", "blank.txt"), "no sentence in it"),
    ]:
        with pytest.raises(UserError, match=message):
            read_corpus(path)
    with pytest.raises(UserError, match="no sentence rule 'x'"):
        read_corpus(write(tmp_path, "a", "a.txt"), options=ReadOptions(sentences="x"))
    with pytest.raises(UserError, match="no format 'x'"):
        read_corpus(write(tmp_path, "a", "a.txt"), format_name="x")
