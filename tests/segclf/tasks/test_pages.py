"""Pages, HTML and JSON of a segmented text."""

import numpy as np
import pytest

from segclf.corpus.joining import unwrap
from segclf.corpus.sentences import Sentence, cut_after_dialogue
from segclf.tasks.segmentation import Segmentation


def segmented(pieces, types, language="ja"):
    """A text whose pieces begin a heading (3), a paragraph (2), a line (1) or nothing (0)."""
    ends = np.cumsum([len(piece) for piece in pieces]).tolist()
    spans = [Sentence(p.strip(), s, e) for p, s, e in zip(pieces, [0, *ends], ends, strict=False)]
    kinds = np.array(types)
    return Segmentation(
        "".join(pieces),
        spans,
        (kinds > 0).astype(np.float32),
        kinds > 0,
        kinds == 3,
        kinds == 2 if 1 in types else None,
        language=language,
        model="m",
        threshold=0.4,
    )


def test_a_japanese_page_indents_paragraphs_and_begins_a_line_for_dialogue():
    found = segmented(["雨が\n降る。", "「寒い」", "\n　夜。\n", "朝。"], [2, 1, 2, 0])
    assert found.to_page() == "　雨が降る。\n「寒い」\n　夜。朝。\n"


def test_a_page_in_another_language_has_an_empty_line_between_paragraphs():
    found = segmented(["It\r\nrained. ", "It snowed.\r\n", "Night."], [2, 0, 2], "en")
    assert found.to_page() == "It rained. It snowed.\r\n\r\nNight.\r\n"


def test_a_model_that_does_not_distinguish_lines_from_paragraphs_indents_all():
    assert segmented(["雨。", "風。", "「夜」"], [2, 0, 2]).to_page() == "　雨。風。\n　「夜」\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("そして……\n　彼は去った。", "そして……彼は去った。"),
        ("“引用”\r\n彼は", "“引用”彼は"),
        ("昭和20\n年", "昭和20年"),
        ("他说：“好。”\n\n然后", "他说：“好。”然后"),
        ("It rained.\n\tIt snowed.", "It rained. It snowed."),
        ("two  spaces", "two  spaces"),
        ("\n", " "),
    ],
)
def test_line_breaks_are_replaced_by_a_space_only_between_words(text, expected):
    assert unwrap(text) == expected


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "「お待ちしていました」声の主は老婆だった。",
            ["「お待ちしていました」", "声の主は老婆だった。"],
        ),
        ("「なぜ」「さあ」　老婆は笑った。", ["「なぜ」", "「さあ」", "老婆は笑った。"]),
        ("「寒い」と彼は言った。", ["「寒い」と彼は言った。"]),
        ("「寒い」、彼は「暑い」彼女は言った。", ["「寒い」、彼は「暑い」彼女は言った。"]),
        ("彼は「自由」主義者だ。", ["彼は「自由」主義者だ。"]),
        ("「はい」", ["「はい」"]),
    ],
)
def test_a_sentence_is_cut_after_the_dialogue_that_it_begins_with(text, parts):
    found = list(cut_after_dialogue(text, [(0, len(text))]))
    assert [text[start:end].strip() for start, end in found] == parts
    assert [start for start, _ in found] == [0, *(end for _, end in found[:-1])]
    assert found[-1][1] == len(text)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_html_has_an_element_for_each_paragraph_and_line(language):
    found = segmented(["1 < 2. ", "「寒い」", "夜。"], [2, 1, 2], language)
    assert found.to_html() == '<p>1 &lt; 2.</p>\n<p class="line">「寒い」</p>\n<p>夜。</p>\n'


def test_headings_are_between_empty_lines_and_have_their_own_elements():
    pieces = ["# 雨 & 風\n\n", "一\n", "　雨が降る。", "「寒い」", "\n＊　＊\n", "「夜だ」\n"]
    found = segmented(pieces, [3, 3, 2, 1, 3, 1])
    assert found.to_page() == "# 雨 & 風\n\n一\n\n　雨が降る。\n「寒い」\n\n＊　＊\n\n「夜だ」\n"
    assert found.to_html() == (
        "<h2>雨 &amp; 風</h2>\n<h2>一</h2>\n<p>雨が降る。</p>\n"
        '<p class="line">「寒い」</p>\n<hr>\n<p class="line">「夜だ」</p>\n'
    )
    types = [sentence["type"] for sentence in found.to_dict()["sentences"]]
    assert types == ["heading", "heading", "paragraph", "line", "heading", "line"]
    untyped = segmented(["I\n\n", "It rained.\n\n", "II\n"], [3, 2, 3], "en")
    assert untyped.to_page() == "I\n\nIt rained.\n\nII\n"
    assert [s.get("type") for s in untyped.to_dict()["sentences"]] == ["heading", None, "heading"]


def test_json_names_the_model_the_threshold_and_the_types():
    content = segmented(["雨。", "風。", "「夜」", "朝。"], [2, 0, 1, 2]).to_dict()
    assert (content["model"], content["threshold"], content["language"]) == ("m", 0.4, "ja")
    types = [sentence["type"] for sentence in content["sentences"]]
    assert types == ["paragraph", None, "line", "paragraph"]
    assert [s["boundary"] for s in content["sentences"]] == [True, False, True, True]
    untyped = segmented(["雨。", "風。"], [2, 2]).to_dict()
    assert "type" not in untyped["sentences"][0]
