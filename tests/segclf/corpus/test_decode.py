"""Decoding of text files, and errors for other files."""

import bz2
import gzip
import io
import lzma
import re
import sqlite3
import zipfile

import matplotlib.figure
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from embedcache import UserError
from segclf.corpus.decode import decode

JAPANESE_ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "cp932",
    "euc_jp",
    "iso2022_jp",
)

japanese_sentences = st.lists(
    st.tuples(
        st.text("雨風夜町川人家今日明来行見言", max_size=4),
        st.text(
            "あいうえおかがきぎくけこさしすせそたちってとなにのはひふまもやよらりるれろわをん",
            min_size=3,
        ),
        st.sampled_from(["。", "。\n", "！", "、"]),
    ).map("".join),
    min_size=1,
    max_size=20,
)
simplified = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过"
)
traditional = (
    "的一是不了人我在有他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過"
)


@pytest.mark.parametrize("encoding", JAPANESE_ENCODINGS)
@given(sentences=japanese_sentences)
@example(sentences=["雨が降る。"])
@example(sentences=["はい"])
def test_japanese_is_decoded_in_every_supported_encoding(encoding, sentences):
    text = "".join(sentences)
    data = text.encode(encoding)
    if encoding == "euc_jp":  # shorter text may be Big5
        assume(len(text.replace("\n", "")) >= 8)
    if encoding in ("utf-16-le", "utf-16-be"):  # may be UTF-8 by chance: the bytes of あ are "B0"
        assume("\ufffd" in data.decode(errors="replace"))
    decoded = decode(data, "x")
    assert decoded.text == text
    assert decoded.encoding.encode(text) == data


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text", ["It rained on the town.\nThe river rose.\n", "Ça va?", "Привет, как дела?"]
)
def test_wide_encodings_need_no_byte_order_mark(encoding, text):
    assert decode(text.encode(encoding), "x").text == text
    marked = ("\ufeff" + text).encode(encoding)
    assert decode(marked, "x").text == text
    assert decode(marked, "x").encoding.encode(text) == marked


@pytest.mark.parametrize(
    ("encoding", "characters"),
    [
        ("gb18030", simplified),
        ("gb18030", traditional),
        ("big5", traditional),
    ],
)
@given(data=st.data())
def test_chinese_encodings_are_not_mistaken_for_others(encoding, characters, data):
    text = data.draw(st.text(characters + "，。\n A1“”", min_size=1))
    encoded = text.encode(encoding, errors="ignore")
    if encoding == "big5":  # if all second bytes are beyond ASCII, it may be EUC-JP
        assume(re.search(rb"[\x80-\xff][A-Z^-~]", encoded))
    try:
        encoded.decode()
    except UnicodeDecodeError:
        with pytest.raises(UserError, match="convert it to UTF-8"):
            decode(encoded, "x")
    else:  # the bytes may be valid UTF-8 by chance
        assert decode(encoded, "x").text == encoded.decode()


@pytest.mark.parametrize("encoding", ["gb18030", "big5"])
@pytest.mark.parametrize("text", ["不", "不中", "人之初，性本善。", "你好！", "不可以", "下雨了。"])
def test_short_chinese_is_not_decoded_as_japanese(encoding, text):
    with pytest.raises(UserError, match="convert it to UTF-8"):
        decode(text.encode(encoding), "x")


@given(text=st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=20))
def test_rare_chinese_characters_are_not_decoded_as_japanese(text):
    encoded = text.encode("gb18030")
    assume("\ufffd" in encoded.decode(errors="replace"))
    with pytest.raises(UserError, match="convert it to UTF-8"):
        decode(encoded, "x")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("비가 내렸다. 강물이 불었다.", "euc_kr"),
        ("Ça a été réglé à Orléans.", "latin-1"),
        ("Straße", "cp1252"),
        ("„Öl“, sagte er. ‚Öl?‘", "cp1252"),
        ("Дождь шёл весь день.", "koi8-r"),
        ("Дождь шёл весь день.", "cp1251"),
        ("ﾊﾛｰ ﾜｰﾙﾄﾞ", "cp932"),
        ("東京都千代田区", "cp932"),
    ],
)
def test_an_encoding_without_strong_evidence_is_an_error(text, encoding):
    with pytest.raises(UserError, match=r"x: byte \d+ .* is not UTF-8.*convert it to UTF-8"):
        decode(text.encode(encoding), "x")


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (b"It rained.\xff", "ascii", "x: byte 10 is not ASCII: convert the file to UTF-8"),
        (b"\xef\xbb\xbfIt rained.\xff", None, "x: byte 13 is not UTF-8: convert the file to UTF-8"),
        (b"It rained. It rained.", "punycode", "x is not PUNYCODE: convert the file to UTF-8"),
    ],
)
def test_a_file_that_is_not_in_the_given_encoding_is_an_error(data, encoding, message):
    with pytest.raises(UserError, match=message):
        decode(data, "x", encoding=encoding)


@given(sentences=japanese_sentences, position=st.integers(0))
def test_damaged_utf8_is_not_decoded_as_shift_jis(sentences, position):
    data = "".join(sentences).encode()
    position %= len(data)
    damaged = data[:position] + b"\xff" + data[position:]
    with pytest.raises(UserError, match=r"x: byte \d+ .* is not UTF-8"):
        decode(damaged, "x")


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff")))
def test_valid_utf8_is_always_decoded_as_utf8(text):
    assume(not text.startswith(("%PDF-", "{\\rtf", "GIF8", "BZh")))
    assert decode(text.encode(), "x").text == text


@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff")),
    position=st.integers(0),
)
@example(text="The river rose.", position=4)
@example(text="abc", position=3)
@example(text="a", position=1)
def test_a_single_zero_byte_is_kept_in_utf8(text, position):
    position %= len(text) + 1
    damaged = text[:position] + "\0" + text[position:]
    assert decode(damaged.encode(), "x").text == damaged


@given(sentences=japanese_sentences, position=st.integers(0))
def test_a_single_zero_byte_is_kept_in_shift_jis(sentences, position):
    text = "".join(sentences)
    position %= len(text) + 1
    damaged = text[:position] + "\0" + text[position:]
    assert decode(damaged.encode("cp932"), "x").text == damaged


def picture(kind):
    file = io.BytesIO()
    matplotlib.figure.Figure().savefig(file, format=kind)
    return file.getvalue()


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
    return file.getvalue()


def database(folder):
    connection = sqlite3.connect(folder / "x.db")
    connection.execute("create table texts (text)")
    connection.close()
    return (folder / "x.db").read_bytes()


def test_binary_files_are_errors_that_name_their_format(tmp_path):
    text = b"It rained on the town." * 10
    for name, data, kind in [
        ("novel.pdf", picture("pdf"), "a PDF"),
        ("empty.pdf", b"%PDF-1.4\n1 0 obj\n", "a PDF"),
        ("novel.epub", archive(), "a ZIP archive"),
        ("novel.gz", gzip.compress(text), "compressed by gzip"),
        ("novel.xz", lzma.compress(text), "compressed by xz"),
        ("novel.bz2", bz2.compress(text), "compressed by bzip2"),
        ("novel.zst", b"\x28\xb5\x2f\xfd" + text, "compressed by zstd"),
        ("page.png", picture("png"), "a PNG image"),
        ("page.jpg", picture("jpg"), "a JPEG image"),
        ("page.gif", b"GIF89a\x01\0\x01\0", "a GIF image"),
        ("python", b"\x7fELF\x02\x01\x01" + bytes(57), "a program"),
        ("x.db", database(tmp_path), "an SQLite database"),
        ("novel.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "an old Office document"),
        ("novel.rtf", b"{\\rtf1\\ansi It rained.}", "an RTF document"),
        ("page.tif", picture("tif"), "a TIFF image"),
        ("page.webp", picture("webp"), "a WebP image"),
        ("rain.wav", b"RIFF\n\n\0\0WAVEfmt ", "a WAV recording"),
        ("rain.mp3", b"ID3\3\0\0", "an MP3 recording"),
        ("rain.mp4", b"\0\0\0\x18ftypmp42", "an MPEG-4 video or recording"),
        ("rain.ogg", b"OggS\0\2", "an Ogg recording"),
        ("rain.flac", b"fLaC\0\0\0", "a FLAC recording"),
        ("zeros", bytes(1000), "not a text file"),
    ]:
        with pytest.raises(UserError, match=f"{name} is {kind}: "):
            decode(data, name)
