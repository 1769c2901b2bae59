"""Short texts in every format, and random changes of them."""

import bz2
import gzip
import io
import json
import lzma
import random
import zipfile

from tests.conftest import STORIES
from tests.segclf.corpus.books import XHTML, epub, pdf, word_document

STORY = (STORIES / "eki.txt").read_text(encoding="utf-8")[:600]
ENGLISH = "It was late. “Is it?” he asked.\n\nMr. Hill said no. The train left.\n\n  CHAPTER II\n\n"
AOZORA = (
    "駅\n誰か\n\n-------\n【テキスト中に現れる記号について】\n《》：ルビ\n-------\n\n"
    "　｜夜汽車《よぎしゃ》が来た。※［＃「てへん＋劣」、第3水準1-84-77］。［＃改ページ］\n"
    "「はい」\n　終り。\n\n底本：「本」\n"
)
CHOI = "==========\nA sentence here .\nAnother one .\n==========\nA third one .\n==========\n"
JSONL = "\n".join(
    json.dumps(record)
    for record in [
        {"id": "a", "split": "train", "paragraphs": ["雨。\n風。", "夜。"]},
        {"id": "b", "split": "test", "sentences": ["雨。", "夜。"], "labels": [1, 0]},
    ]
)
BODY = (
    "<h1>Title</h1><p>It rains.&nbsp;Yes &amp; no.</p><p>「<ruby>雨<rt>あめ</rt></ruby>」</p><br/>"
)
SUBTITLES = (
    "1\n00:00:01,000 --> 00:00:02,000\n<i>It rains.</i>\n\n2\n00:00:03,000 --> 00:00:04,000\n-No.\n"
)
SAMPLES: dict[str, tuple[str, list[bytes]]] = {
    "plain text": (
        ".txt",
        [ENGLISH.encode(), *(STORY.encode(encoding) for encoding in ("utf-8", "cp932", "utf-16"))],
    ),
    "text of Aozora Bunko": (".txt", [AOZORA.encode(), AOZORA.encode("cp932")]),
    "file of Choi's corpus": (".ref", [CHOI.encode()]),
    "JSON Lines file": (".jsonl", [JSONL.encode()]),
    "HTML page": (
        ".html",
        [XHTML.format(BODY).encode(), f"<meta charset=sjis>{BODY}".encode("cp932")],
    ),
    "EPUB": (".epub", [epub({"one": BODY, "two": "<p>End.</p>"})]),
    "DOCX": (
        ".docx",
        [word_document([("Heading 1", "Title"), ("Normal", "It rains.")], [("雨", "あめ")])],
    ),
    "PDF": (".pdf", [pdf(["雨が降る。", "風も吹く。"], ["夜になった。"])]),
    "file of subtitles": (".srt", [SUBTITLES.encode()]),
    "compressed file": (
        ".txt.gz",
        [pack(STORY.encode()) for pack in (gzip.compress, bz2.compress, lzma.compress)],
    ),
}
"""Suffix and contents of sound texts, by the kind of text."""
NOISE = [
    "\0", "\r", "\r\n", "\n", "\n\n", "\u3000", "\ufeff", "\u2028", "\u202e", "\x1b[31m",
    "「", "」", "“", "《", "》", "｜", "［＃", "］", "底本：", "。" * 50, "==========",
    "<", ">", "<p>", "</p>", "<!--", "-->", "]]>", "<!DOCTYPE a [<!ENTITY b '", "&b;", "&#x",
    "&#1114112;", "{", "}", "[" * 2000, '"', "\\ud800", "NaN", "1e999", "9" * 5000,
    "a\u0301" * 300, "👩\u200d👧", "\u05d0\u05d1", "x" * 5000, " " * 5000,
]  # fmt: skip
BYTES = [
    b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\x80", b"\xed\xa0\x80", b"\x1b$B",
    b"PK\3\4", b"\x1f\x8b", b"%PDF",
]  # fmt: skip


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Return a text with one to four changes."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        stop = min(start + chance.choice([0, 0, 1, 5, 50, 10_000]), len(data))
        kind = chance.randrange(5)
        if kind == 0 and start < len(data):
            flipped = data[start] ^ 1 << chance.randrange(8)
            data = data[:start] + bytes([flipped]) + data[start + 1 :]
        elif kind == 1:
            data = data[:start] + data[stop:]
        elif kind == 2:
            data = data[:start] + data[start:stop] * chance.choice([2, 50]) + data[stop:]
        elif kind == 3:
            data = data[:start] + chance.choice(BYTES) + data[stop:]
        else:
            data = data[:start] + chance.choice(NOISE).encode() + data[stop:]
    return data[:200_000]


def mutate_members(data: bytes, chance: random.Random) -> bytes:
    """Return a ZIP archive with changes in one of its members."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice([name for name in members if name.endswith(("ml", "opf", "rels"))])
    members[name] = mutate(members[name], chance)
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return result.getvalue()


def mutant(samples: list[bytes], seed: str) -> bytes:
    chance = random.Random(seed)
    data = chance.choice(samples)
    if data.startswith(b"PK") and chance.random() < 0.8:
        return mutate_members(data, chance)
    return mutate(data, chance)
