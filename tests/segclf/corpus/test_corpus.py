"""Reading plain text: layouts, headings and sentences."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embedcache import UserError
from segclf.corpus import ReadOptions, plain, read_corpus
from segclf.corpus.decode import decode
from segclf.corpus.sentences import SENTENCE_RULES
from segclf.corpus.units import guess_boundary, is_wrapped, split_units
from tests.conftest import STORIES
from tests.segclf.corpus.texts import INDENTED, labelled, read, write


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
def test_the_kind_of_layout_is_detected(text, boundary):
    assert guess_boundary(text) == boundary


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp932", "euc_jp"],
)
def test_encoding_and_newlines_do_not_change_the_corpus(tmp_path, encoding, newline):
    data = (INDENTED * 3).replace("\n", newline).encode(encoding)
    assert labelled(read(write(tmp_path, data))) == labelled(read(write(tmp_path, INDENTED * 3)))


def test_the_error_for_undecodable_bytes_contains_their_offset():
    with pytest.raises(UserError, match=r"x.txt: byte 3 \(0xff\) is not UTF-8"):
        decode(b"abc\xff\xfe\x01", "x.txt")


def test_headings_are_removed_and_counted(tmp_path):
    story = "潮待ち\n\n一\n\n" + INDENTED + "\n第二章\n\n" + INDENTED + "\n# おわり\n\n" + INDENTED
    corpus = read(write(tmp_path, story))
    assert corpus.headings_removed == 4
    assert len(corpus) == 15


HEADINGS = (
    "第三章",
    "XIV",
    "12.",
    "Chapter 4",
    "Part One: Rain",
    "CHAPTER IV. Rain falls.",
    "Act 2.1",
)
NOT_HEADINGS = (
    "Did.",
    "Part of him was glad.",
    "Book it now.",
    "part of the house.",
    "Part one ended.",
)


@pytest.mark.parametrize(
    ("line", "is_heading"),
    [
        *[(line, True) for line in HEADINGS],
        *[(line, False) for line in NOT_HEADINGS],
    ],
)
def test_a_line_with_a_section_number_is_a_heading(line, is_heading):
    units, headings = split_units(f"Rain fell.\n{line}\nWe stayed.", "line")
    assert (headings, len(units)) == ((1, 2) if is_heading else (0, 3))


@pytest.mark.parametrize("boundary", ["blank", "indent"])
def test_headings_between_wrapped_lines_are_removed(boundary):
    text = "  It rained on the\ntown.\n\n{}\n\n  The river rose in\nthe night.\n"
    for heading in ("CHAPTER THIRTEEN", "Chapter twenty-one", "xiv.", "Chapter 4a", "Section A"):
        assert split_units(text.format(heading), boundary)[1] == 1, heading
    for heading in (
        "Chapter 4 Who Goes There?",
        "Chapter 12, in which",
        "Act I, Scene 2",
        "第二章",
    ):
        assert split_units(text.format(heading), boundary)[1] == 1, heading


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("boundary", ["blank", "indent"])
@pytest.mark.parametrize("title", ["# Rain", "# The rain that fell on the town in the autumn"])
def test_only_the_heading_above_a_wrapped_paragraph_is_removed(title, boundary, newline):
    text = f"{title}\nIt rained on the\ntown.\n\nThe river rose in\nthe night.\n"
    text = text.replace("\n", newline)
    units, headings = split_units(text, boundary)
    assert headings == 1
    assert [text[unit.start : unit.end].split()[0] for unit in units] == ["It", "The"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("boundary", ["blank", "indent"])
@pytest.mark.parametrize("paragraph", ["a river\nand a town", "Chapter\nfour"])
def test_a_short_paragraph_of_wrapped_lines_is_not_a_heading(paragraph, boundary, newline):
    text = f"It rained on the\ntown.\n\n{paragraph}\n\nThe river rose in\nthe night.\n"
    units, headings = split_units(text.replace("\n", newline), boundary)
    assert (headings, len(units)) == (0, 3)


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


def test_the_example_stories_have_the_documented_size():
    corpus = read_corpus(STORIES)
    assert len(corpus.document_ids) >= 6
    assert len(corpus) >= 900
    assert corpus.labels.sum() >= 180
    assert set(corpus.splits) == {"train", "dev", "test"}


@pytest.mark.parametrize("rule", SENTENCE_RULES)
@pytest.mark.parametrize("boundary", ["auto", "indent", "line", "blank"])
@given(text=st.text("　 \t\nあ。「」a.B!?#-\u2028", max_size=60))
def test_sentences_contain_no_whitespace_of_the_layout(rule, boundary, text):
    """Nor do they begin or end with whitespace."""
    (document,) = plain.read(text, "x", ReadOptions(boundary, rule))
    for sentence in document.sentences:
        assert sentence == sentence.strip() != ""
        assert not set("\u3000\t\n\r\u2028") & set(sentence)


lines = st.lists(st.text("あい。「」a.!? ", min_size=1, max_size=20).filter(str.strip), min_size=2)


@pytest.mark.parametrize("rule", SENTENCE_RULES)
@given(lines=lines, marked=st.sets(st.integers(0, 10)))
@example(lines=["? a", "?"], marked={0})
def test_indents_change_labels_but_not_sentences(rule, lines, marked):
    laid_out = "\n".join("　" * (i in marked) + line for i, line in enumerate(lines))
    bare = "\n".join(lines)
    options = ReadOptions("indent", rule, "ja")
    (with_marks,), (without,) = (plain.read(text, "x", options) for text in (laid_out, bare))
    if rule == "kuten":  # the rule counts the mark when it drops pieces of one character
        if not is_wrapped(bare):
            assert set(without.sentences) <= set(with_marks.sentences)
    elif is_wrapped(bare):  # a mark also separates lines that would otherwise be joined
        assert len({"".join("".join(d.sentences).split()) for d in (with_marks, without)}) == 1
    else:
        assert with_marks.sentences == without.sentences
        assert with_marks.headings == without.headings


@given(text=st.text("　 \nあ。「」a.B!?D\u2028\x1c\x85é", max_size=80))
@pytest.mark.parametrize("rule", SENTENCE_RULES)
def test_the_spans_of_a_rule_are_in_order_and_within_the_text(rule, text):
    edges = [edge for span in SENTENCE_RULES[rule].spans(text, "ja") for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(text) for edge in edges)


def test_the_soseki_benchmark_has_the_published_counts(shared):
    corpus = read_corpus(shared / "data/soseki", options=ReadOptions("indent", "kuten"))
    counts = {name: (c["sentences"], c["boundaries"]) for name, c in corpus.counts().items()}
    assert counts == {"train": (28511, 3898), "dev": (5055, 678), "test": (11243, 1998)}
    assert corpus.headings_removed == 0
