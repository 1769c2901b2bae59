"""Texts in encodings other than Unicode and those of Japanese."""

import json
import lzma
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedcache import UserError
from segclf.corpus.charsets import detect_charset
from segclf.corpus.decode import decode

RUSSIAN = (
    "Дождь шёл весь день. К вечеру река вышла из берегов, и люди стали собираться на площади. "
    "«Надо уходить», — сказал старик. Никто ему не ответил. Дети смеялись и бегали по лужам. Мария "
    "стояла у окна и смотрела на дорогу, по которой должен был приехать её брат. Он обещал "
    "вернуться до темноты, но уже зажглись фонари, а его всё не было.\n"
)
POLISH = (
    "Deszcz padał przez cały dzień. Wieczorem rzeka wystąpiła z brzegów, a ludzie zaczęli zbierać "
    "się na rynku. „Trzeba iść” – powiedział starzec. Nikt mu nie odpowiedział. Dzieci śmiały się "
    "i biegały po kałużach. Maria stała przy oknie i patrzyła na drogę, którą miał przyjechać jej "
    "brat. Obiecał, że wróci przed zmrokiem, lecz zapalono już latarnie.\n"
)
CHINESE = (
    "雨下了一整天。到了傍晚，河水漫过了堤岸，人们开始聚集在广场上。老人说：“我们该走了。”没有人回答他。"
    "孩子们笑着，在水坑里跑来跑去。玛丽站在窗前，望着那条路，她的哥哥应该从那里回来。他答应天黑以前回家，"
    "可是灯已经亮了，他还没有来。她想起小时候，他们一起去河边，用石头和树枝筑坝。那时候他们以为水会听话。\n"
)
TRADITIONAL = (
    "雨下了一整天。到了傍晚，河水漫過了堤岸，人們開始聚集在廣場上。老人說：「我們該走了。」沒有人回答他。"
    "孩子們笑著，在水坑裡跑來跑去。瑪麗站在窗前，望著那條路，她的哥哥應該從那裡回來。他答應天黑以前回家，"
    "可是燈已經亮了，他還沒有來。她想起小時候，他們一起去河邊，用石頭和樹枝築壩。那時候他們以為水會聽話。\n"
)
KOREAN = (
    "비가 하루 종일 내렸다. 저녁이 되자 강물이 둑을 넘었고 사람들은 광장에 모이기 시작했다. "
    "노인이 말했다. 떠나야 합니다. 아무도 대답하지 않았다. 아이들은 웃으며 물웅덩이를 뛰어다녔다. "
    "마리아는 창가에 서서 오빠가 돌아올 길을 바라보았다. 그는 어두워지기 전에 돌아오겠다고 "
    "약속했지만 벌써 등불이 켜졌고 그는 오지 않았다.\n"
)
TEXTS = [
    (RUSSIAN * 2, "cp1251"),
    (RUSSIAN * 2, "koi8_r"),
    (RUSSIAN * 2, "cp866"),
    (POLISH * 3, "cp1250"),
    (CHINESE * 2, "gb18030"),
    (TRADITIONAL * 2, "big5"),
    (KOREAN * 4, "cp949"),
]


@pytest.mark.parametrize(("text", "encoding"), TEXTS)
def test_the_encoding_of_a_page_of_text_is_found(text, encoding):
    encodable = text.encode(encoding, errors="ignore")
    decoded = decode(encodable, "x")
    assert decoded.text == encodable.decode(encoding)
    assert decoded.encoding.encode(decoded.text) == encodable


def novels(shared, languages):
    with lzma.open(shared / "data/eltec/dev.jsonl.xz", "rt") as lines:
        records = (json.loads(line) for line in lines)
        return [record["text"][:400_000] for record in records if record["language"] in languages]


def test_novels_in_western_encodings_are_decoded_correctly_or_refused(shared):
    random.seed(0)
    found = total = 0
    for text in novels(shared, ("fra", "deu", "spa"))[:9]:
        for encoding in ("cp1252", "iso8859_1", "cp850", "mac_roman"):
            start = random.randrange(len(text) - 5000)
            part = text[start : start + 5000].encode(encoding, errors="ignore")
            charset = detect_charset(part)
            if encoding in ("cp850", "mac_roman"):  # old encodings are not known
                assert charset is None
                continue
            total += 1
            found += charset is not None
            assert charset is None or part.decode(charset) == part.decode(encoding)
    assert found >= 0.8 * total


@given(st.binary(min_size=500, max_size=2000))
def test_random_bytes_have_no_encoding(data):
    if any(byte > 0x7F for byte in data):
        assert detect_charset(data) is None


def test_text_of_two_encodings_is_refused_and_so_is_damaged_utf8():
    mixed = RUSSIAN.encode("cp1251") + RUSSIAN.encode()
    french = ("Le roi a été très fâché. " * 40).encode()
    for data in (mixed, french[:500] + b"\xe9" + french[500:]):
        with pytest.raises(UserError, match=r"is not UTF-8.*set it with --text-encoding, or conv"):
            decode(data, "x")


def test_an_encoding_that_is_given_is_used():
    assert decode("Ça va ?".encode("cp850"), "x", encoding="cp850").text == "Ça va ?"
    assert (
        decode("Ça".encode("utf-8-sig"), "x", encoding="cp1252").text == "Ça"
    )  # the mark determines the encoding
    with pytest.raises(UserError, match="x: byte 1 is not CP1252"):
        decode(b"a\x81", "x", encoding="cp1252")
