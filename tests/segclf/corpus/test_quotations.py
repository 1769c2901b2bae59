"""Ends of sentences at quotation marks, in European languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segclf.corpus.quotations import cut_at_quotations, keep_closing_quotes
from segclf.corpus.sentences import sentence_rule
from segclf.corpus.unsegmented import read_sentences

RULE = sentence_rule("sentencex")


def sentences(text, language):
    found = read_sentences(text, RULE, language, cut_dialogue=False)
    return [sentence.text for sentence in found.sentences]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (
            "en",
            '"Go home." "No. I will not." He left.',
            ['"Go home."', '"No. I will not."', "He left."],
        ),
        (
            "fr",
            "« Tu me renvoies ! » « Parfaitement ! » Elle pleura.",
            ["« Tu me renvoies ! »", "« Parfaitement ! »", "Elle pleura."],
        ),
        ("fr", "Il cria : « Rose ! » Elle vint.", ["Il cria :", "« Rose ! »", "Elle vint."]),
        ("fr", "Elle dit : « Va ! » et sortit.", ["Elle dit :", "« Va ! » et sortit."]),
        ("de", "»Ist das wahr?« »Ja.« Er ging.", ["»Ist das wahr?«", "»Ja.«", "Er ging."]),
        ("de", "„Nein!“ „Doch!“ Er ging.", ["„Nein!“", "„Doch!“", "Er ging."]),
        ("es", "Luis replicó: —No sé. Y calló.", ["Luis replicó:", "—No sé.", "Y calló."]),
        ("es", "Tengo tres: pan, sal y agua.", ["Tengo tres: pan, sal y agua."]),
    ],
)
def test_sentences_end_after_closing_quotation_marks(language, text, expected):
    assert sentences(text, language) == expected


@pytest.mark.parametrize(
    ("language", "sentence", "opening", "closing"),
    [("ja", "月は空に昇りました。", "「", "」"), ("en", "The moon had risen. ", '"', '"')],
)
def test_a_long_quotation_is_divided_and_a_short_one_is_not(language, sentence, opening, closing):
    short = opening + (sentence * 3).strip() + closing
    assert len(sentences(short, language)) == 1
    long = opening + (sentence * 60).strip() + closing
    found = sentences(long, language)
    assert len(found) == 60
    assert found[0] == opening + sentence.strip()
    assert found[-1] == sentence.strip() + closing


def test_a_guillemet_that_repeats_an_open_quotation_stays_at_the_beginning():
    text = "« Prends garde ! » dit-il. » D'ailleurs, je te défends de venir."
    spans = [(0, 26), (26, len(text))]
    assert list(keep_closing_quotes(text, spans)) == spans


def test_an_opening_guillemet_belongs_to_the_next_sentence():
    text = "Elle s'en alla. « Tu devrais la rappeler », dit-il."
    spans = [(0, 18), (18, len(text))]
    assert [text[a:b] for a, b in keep_closing_quotes(text, spans)] == [
        "Elle s'en alla. ",
        "« Tu devrais la rappeler », dit-il.",
    ]


PIECES = st.lists(
    st.sampled_from(["«", "»", '"', "“", "”", "'", " ", ".", "!", ":", "A", "b", "\n", "—"])
)


@given(pieces=st.lists(PIECES.map("".join), max_size=6))
def test_only_whitespace_is_left_out(pieces):
    text = "".join(pieces)
    ends = [sum(map(len, pieces[: number + 1])) for number in range(len(pieces))]
    spans = list(zip([0, *ends], ends, strict=False))
    found = list(cut_at_quotations(text, keep_closing_quotes(text, spans)))
    assert found == sorted(found)
    assert all(text[start:end].strip() for start, end in found)
    kept = "".join(text[start:end] for start, end in found)
    assert "".join(kept.split()) == "".join(text.split())
