"""Subtitles in SRT and WebVTT: what is spoken is kept; times, tags and comments are left out."""

import pytest

from segclf.corpus import read_unsegmented, subtitles
from tests.segclf.corpus.books import SRT, VTT
from tests.segclf.corpus.texts import write

TIMES = "00:00:0{0}.000 --> 00:00:0{1}.500\n"


def srt(*cues):
    """Return subtitles in SRT with the text of each cue."""
    return "\n".join(f"{n}\n{TIMES.format(n, n)}{cue}\n" for n, cue in enumerate(cues, 1))


def vtt(*blocks):
    """Return subtitles in WebVTT; a block without times begins with a space, which is removed."""
    numbered = enumerate(blocks, 1)
    found = [b[1:] if b.startswith(" ") else TIMES.format(n, n) + b for n, b in numbered]
    return "\n\n".join(["WEBVTT - My film", *found]) + "\n"


def text_of(tmp_path, content):
    return read_unsegmented(write(tmp_path, content, "a.srt")).text


@pytest.mark.parametrize(
    ("cues", "text"),
    [
        (["The answer is:\n42"], "The answer is: 42"),
        (["The answer is:\n42", "7"], "The answer is: 42\n7"),
        (["Hello there {whispering} you."], "Hello there {whispering} you."),
        (
            [r"If a < b and c > d, see C:\new or C:\Nice."],
            r"If a < b and c > d, see C:\new or C:\Nice.",
        ),
        ([r"{\an8}<b>No</b>, <font color='#fff'><I>no</I></font>."], "No, no."),
        (["I <3 you.\n<sigh> So <be> it."], "I <3 you. <sigh> So <be> it."),
        (["One.\n\nTwo.", "", "Three."], "One. Two.\nThree."),
    ],
)
def test_srt(tmp_path, cues, text):
    assert text_of(tmp_path, srt(*cues)) == text
    assert text_of(tmp_path, srt(*cues).replace("\n", "\r\n").replace(".", ",")) == text.replace(
        ".", ","
    )
    assert text_of(tmp_path, srt(*cues).replace("\n", "\r\r\n")) == text


def test_srt_without_blank_lines_or_numbers(tmp_path):
    assert text_of(tmp_path, srt("One.", "", "Two.").replace("\n\n", "\n")) == "One.\nTwo."
    without_numbers = TIMES.format(1, 2) + "In the year\n1984\n\n" + TIMES.format(3, 4) + "It came."
    assert text_of(tmp_path, without_numbers) == "In the year 1984\nIt came."


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        (["In the year\n1984", "it rained."], "In the year 1984\nit rained."),
        (
            ["How many?\n42", " NOTE translator: check\nthis second cue", "No."],
            "How many? 42\nNo.",
        ),
        ([" STYLE\n::cue { color: red }", " REGION\nid:a", " the end\n" + TIMES + "No."], "No."),
        (["<v.loud Anna>Tea &amp; <c.red.big>bread</c> &lt;i&gt;"], "Tea & bread <i>"),
        (["雨<00:00:01.200><c>だ</c>。"], "雨だ。"),
    ],
)
def test_webvtt(tmp_path, blocks, text):
    assert text_of(tmp_path, vtt(*blocks).replace("{0}", "8").replace("{1}", "9")) == text


def test_cues_are_in_the_order_of_their_times(tmp_path):
    times = ("1:00:00.000", "10:01.5", "10:01.25", "00:00:02.000")
    cues = "\n".join(f"{t} --> 2:00:00.000 align:left\n{n}.\n" for n, t in enumerate(times))
    assert text_of(tmp_path, "WEBVTT\n\n" + cues) == "3.\n2.\n1.\n0."


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-16-le"])
@pytest.mark.parametrize("content", [SRT, VTT])
def test_subtitles_in_unicode(tmp_path, encoding, content):
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    found = read_unsegmented(write(tmp_path, (mark + content).encode(encoding), "a.txt"))
    assert found.text == text_of(tmp_path, content)
    assert "-->" not in found.text


def test_text_that_mentions_subtitles_is_not_subtitles(tmp_path):
    for text in ("“WEBVTT is a format.”\n", "It rained.\n" + SRT):
        assert text_of(tmp_path, text) == text


@pytest.mark.parametrize(
    "part", ["<i ", "<", "{\\", "<00:00:01", "\n\n", "\r", " ", "9", "1\n", "9:99:99.999 --> "]
)
def test_hostile_subtitles_are_read_in_linear_time(part):
    data = (srt("It rained.") + part * 500_000).encode()
    assert subtitles.recognizes(data)
    assert subtitles.read(data, "a.srt", None)[0].text.startswith("It rained.")


def test_long_cues_are_compared_in_linear_time():
    many = "No.\n" * 100_000
    assert subtitles.read(srt(many + "Yes.", many).encode(), "a.srt", None)
