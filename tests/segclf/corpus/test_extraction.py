"""Reading HTML, EPUB, DOCX, subtitles and PDF, as a corpus and as a text to segment."""

import pytest

from embedcache import UserError
from segclf.corpus import html, read_unsegmented
from segclf.corpus.compressed import open_archive
from tests.segclf.corpus.books import AOZORA_PAGE, SRT, VTT, XHTML, epub, pdf, word_document, zipped
from tests.segclf.corpus.test_charsets import RUSSIAN
from tests.segclf.corpus.texts import labelled, read, write

PAGE = """<!DOCTYPE html><html><head><title>No text</title><style>p {}</style></head><body>
<nav><a href="#">Home</a></nav><h1>A <em>title</em>?</h1>
<p>It rained on
  the town.&nbsp;The river rose.</p><script>no()</script>
<ul><li>One.<li>Two.</ul><hr>
<p hidden>Never.</p><blockquote>He said<br>no.<p>So be it.</blockquote>
<p>雨が
降る。<ruby>私<rp>(</rp><rt>わたくし</rt><rp>)</rp></ruby>も。</p></body></html>"""


def test_the_elements_of_a_page_are_the_paragraphs(tmp_path):
    path = write(tmp_path, PAGE, "page.html")
    corpus = read(path)
    assert labelled(corpus) == [
        ("It rained on the town.", True),
        ("The river rose.", False),
        ("One.", True),
        ("Two.", True),
        ("He said no.", True),
        ("So be it.", True),
        ("雨が降る。", True),
        ("私も。", False),
    ]
    assert corpus.headings_removed == 1
    assert read_unsegmented(path).text == (
        "# A title?\n\nIt rained on the town. The river rose.\n\nOne.\n\nTwo.\n\n* * *\n\n"
        "He said\nno.\n\nSo be it.\n\n雨が降る。私も。"
    )


def test_a_page_is_recognized_by_its_content_and_can_be_read_as_it_is(tmp_path):
    path = write(tmp_path, PAGE, "page.txt")
    assert read_unsegmented(path).text.startswith("# A title?")
    assert read_unsegmented(path, format_name="plain").text == PAGE
    fragment = write(tmp_path, "<p>It rained.<p>He left.", "part.HTM")
    assert labelled(read(fragment)) == [("It rained.", True), ("He left.", True)]


def test_a_page_may_begin_with_comments():
    assert html.recognizes(b"<!-- a - b -->\n<!-- c -->\n<html>")
    assert not html.recognizes(b"<!-- <html> -->\nplain")
    assert not html.recognizes(b"<!---->" * 290 + b"plain")  # without trying 2**290 ways


def test_a_page_of_aozora_has_no_readings_and_its_indents_are_paragraphs(tmp_path):
    path = write(tmp_path, AOZORA_PAGE.encode("cp932"), "1_2.html")
    sentences = [("私は来た。", True), ("雨だ。", False), ("「挘った」", False)]
    assert labelled(read(path)) == [*sentences, ("夜になった。", True)]
    assert read(path, boundary="typed").types.tolist() == [2, 0, 1, 2]
    text = read_unsegmented(path).text
    assert text.startswith("一\n\n　私は来た。雨だ。\n「挘った」\n")
    assert "わたくし" not in text
    assert "底本" not in text


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "iso-8859-1"),  # a wrong declaration
        ("utf-8", None),
        ("euc_jp", "euc-jp"),
        ("iso2022_jp", "iso-2022-jp"),
        ("utf-16", None),
    ],
)
def test_the_encoding_of_a_page(tmp_path, encoding, declared):
    meta = f'<meta charset="{declared}">' if declared else ""
    page = f"<html><head>{meta}</head><p>東京</p><p>京都</p></html>"
    path = write(tmp_path, page.encode(encoding), "page.html")
    assert read(path).sentences == ["東京", "京都"]


@pytest.mark.parametrize("declared", ["iso-8859-1", "latin-1", "ISO8859-1", "us-ascii"])
def test_a_page_in_a_western_encoding_that_it_declares(tmp_path, declared):
    page = f'<?xml version="1.0" encoding="{declared}"?><html><p>Né “ici”.</p></html>'
    assert read(write(tmp_path, page.encode("cp1252"), "a.xhtml")).sentences == ["Né “ici”."]


@pytest.mark.parametrize(
    ("encoding", "declared", "text"),
    [
        ("cp932", "sjis", "①髙い。"),  # these characters are only in the extension
        ("cp932", "x-sjis", "①髙い。"),
        ("gb18030", "gb2312", "朱镕基来了。"),
        ("cp949", "euc-kr", "뷁이다."),
    ],
)
def test_a_page_in_an_extension_of_the_encoding_that_it_declares(
    tmp_path, encoding, declared, text
):
    page = f'<html><head><meta charset="{declared}"></head><p>{text}</p></html>'
    assert read(write(tmp_path, page.encode(encoding), "page.html")).sentences == [text]


@pytest.mark.parametrize("declared", ["utf-16", "utf-32le", "undefined", "no-encoding", "hex"])
def test_an_impossible_declaration_is_ignored(tmp_path, declared):
    page = f'<html><head><meta charset="{declared}"></head><p>{RUSSIAN * 2}</p></html>'
    data = page.encode("cp1251")
    path = write(tmp_path, data + b" " * (-len(data) % 4), "page.html")  # a length that fits UTF-32
    assert read(path).sentences[0] == "Дождь шёл весь день."


def test_preformatted_text_keeps_its_line_breaks_and_indents(tmp_path):
    page = "<html><pre>    It rained.\nThe river rose.\n\tIt was night.</pre></html>"
    text = read_unsegmented(write(tmp_path, page, "page.html")).text
    assert text == "    It rained.\nThe river rose.\n        It was night."


@pytest.mark.parametrize(
    "hidden",
    [
        """<script>document.write("<script src='x.js'/>"); var a = "leak this code";</script>""",
        """<SCRIPT>document.write("<style/><title/>"); var a = "leak";</SCRIPT >""",
        """<style>/* <style/> */ p { color: red }</style>""",
        """<script src="a.js"/><style/>""",
        """<!-- <script> --><script src="a.js"/>""",
    ],
)
def test_scripts_and_styles_of_a_page_are_left_out(tmp_path, hidden):
    page = f"<html><p>First.</p>{hidden}<p>Second.</p></html>"
    path = write(tmp_path, page, "page.html")
    assert read_unsegmented(path).text == "First.\n\nSecond."


def test_a_deep_or_long_page_is_read_completely_or_not_at_all(tmp_path):
    deep = write(tmp_path, "<div>" * 2000 + "It rained.", "deep.html")
    assert read(deep).sentences == ["It rained."]
    write(tmp_path, "<div>" * 50_000 + "It rained.", "deep.html")
    with pytest.raises(UserError, match=r"deep\.html: its elements are nested too deeply"):
        read(deep)
    long = write(tmp_path, "<p>" + "It rained. " * 1_000_000, "long.html")
    assert read_unsegmented(long).text.count("rained") == 1_000_000


def test_the_chapters_of_an_epub_are_one_document_in_reading_order(tmp_path):
    note = '<a epub:type="noteref" href="#n">1</a><aside epub:type="footnote">Note.</aside>'
    chapters = {
        "two": f"<h2>Second</h2><p>It rained&mdash;hard.{note}</p><a id='x'/><p>He &amp; she.</p>",
        "one": "<p>The end.</p>",
    }
    path = write(tmp_path, epub(chapters), "book.epub")
    corpus = read(path)
    assert labelled(corpus) == [
        ("It rained—hard.", True),
        ("He & she.", True),
        ("The end.", True),
    ]
    assert (corpus.document_ids, corpus.headings_removed) == (["book.epub"], 1)
    assert read_unsegmented(path).text.startswith("# Second\n\nIt rained—hard.\n\n")


def test_a_chapter_that_is_not_valid_is_read_like_html(tmp_path):
    body = "<p/><a id='x'/><p>Tea & bread<br>for all.</p></div><p>The end."
    path = write(tmp_path, epub({"one": body}), "book.epub")
    assert read_unsegmented(path).text == "Tea & bread\nfor all.\n\nThe end."
    page = "<html><head><title/><script src='a.js'/></head><p>One.</p></html>"
    assert read_unsegmented(write(tmp_path, page, "a.xhtml")).text == "One."


FRENCH = "Il était déjà là."


@pytest.mark.parametrize(
    ("codec", "declared", "given"),
    [
        ("iso-8859-1", "iso-8859-1", None),
        ("iso-8859-1", "utf-8", "iso-8859-1"),
        ("cp850", "iso-8859-1", "cp850"),
        ("utf-8", "iso-8859-1", "cp850"),  # EPUB requires Unicode, so most chapters are UTF-8
        ("utf-16", "iso-8859-1", "cp850"),
    ],
)
def test_the_encoding_of_a_chapter(tmp_path, codec, declared, given):
    page = XHTML.replace("utf-8", declared).format(f"<p>{FRENCH}</p>").encode(codec)
    path = write(tmp_path, epub({"one": ""}, **{"OEBPS/one.xhtml": page}), "book.epub")
    assert read_unsegmented(path, encoding=given).text == FRENCH


def test_a_chapter_in_an_unknown_encoding_is_an_error(tmp_path):
    page = XHTML.format(f"<p>{FRENCH}</p>").encode("cp850")
    path = write(tmp_path, epub({"one": ""}, **{"OEBPS/one.xhtml": page}), "book.epub")
    with pytest.raises(UserError, match=r"one\.xhtml: byte .* set it with --text-encoding"):
        read_unsegmented(path)


def test_entities_that_a_chapter_declares_are_not_expanded(tmp_path):
    bomb = "".join(f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(12))
    declared = f'<!DOCTYPE html [<!ENTITY a0 "ha">{bomb}]>'
    page = XHTML.format("<p>One.&a12;</p>").replace("<!DOCTYPE html>", declared)
    book = epub({"one": ""}, **{"OEBPS/one.xhtml": page})
    assert read(write(tmp_path, book, "book.epub")).sentences == ["One."]


def test_damaged_and_protected_books_are_errors(tmp_path):
    encrypted = (
        "<encryption><EncryptedData><CipherData><CipherReference URI='OEBPS/one.xhtml'/>"
        "</CipherData></EncryptedData></encryption>"
    )
    book = epub({"one": "<p>One.</p>"})
    for name, data, message in [
        ("cut.epub", book[: len(book) // 2], "cut.epub is a damaged ZIP archive"),
        ("empty.epub", zipped({"META-INF/container.xml": ""}), "empty.epub is a damaged EPUB"),
        (
            "other.epub",
            zipped({"META-INF/container.xml": "<container/>"}),
            "other.epub is a damaged EPUB",
        ),
        (
            "drm.epub",
            epub({"one": "<p>x</p>"}, **{"META-INF/encryption.xml": encrypted}),
            "drm.epub is copy-protected",
        ),
        ("a.docx", zipped({"word/document.xml": "<w"}), "a.docx cannot be read as a Word document"),
        ("a.zip", zipped({"a.txt": "One."}), "a.zip is a ZIP archive: "),
        ("a.xlsx", zipped({"xl/workbook.xml": ""}), "a.xlsx is an Excel workbook: "),
        ("a.odt", zipped({"content.xml": ""}), "a.odt is an OpenDocument file: "),
        ("cut.pdf", pdf(["One."])[:200], "cut.pdf is a PDF that is damaged"),
    ]:
        path = write(tmp_path, data, name)
        for reader in (read, read_unsegmented):
            with pytest.raises(UserError, match=message):
                reader(path)


def test_the_paragraphs_of_a_word_document(tmp_path):
    data = word_document(
        [
            ("Title", "My book"),
            ("Heading 1", "Chapter?"),
            (None, "It rained.\tThe river\nrose."),
            (None, ""),
            ("List Bullet", "He left."),
        ],
        ruby=[("私", "わたくし"), ("も。", "")],
    )
    path = write(tmp_path, data, "book.docx")
    corpus = read(path)
    assert labelled(corpus) == [
        ("私も。", True),
        ("It rained.", True),
        ("The river rose.", False),
        ("He left.", True),
    ]
    assert corpus.headings_removed == 2
    assert "# My book\n\n# Chapter?\n\nIt rained." in read_unsegmented(path).text


def test_subtitles_are_text_without_times_and_tags(tmp_path):
    srt = read_unsegmented(write(tmp_path, SRT, "a.srt")).text
    assert srt == "It rained on\nthe town. The river rose."
    vtt = read_unsegmented(write(tmp_path, VTT.replace("\n", "\r\n"), "a.vtt")).text
    assert vtt == "Tea & bread\nfor all"  # without the line that was shown before
    russian = SRT.replace("the town", "город").encode("cp1251")
    assert "город" in read_unsegmented(write(tmp_path, russian, "b.srt"), encoding="cp1251").text


def test_the_text_of_a_pdf_has_no_page_numbers_and_headers(tmp_path):
    pages = [
        ["My book", "It rained on the town. The ri-", "ver rose.", "1"],
        ["2 | My book", "雨が降る。風も", "吹く。", "2"],
        ["My book", "The end.", "- 3 -"],
        ["My book", "My book", "4"],
    ]
    text = read_unsegmented(write(tmp_path, pdf(*pages), "a.pdf")).text
    assert text.splitlines() == [
        "It rained on the town. The ri-", "ver rose.", "2 | My book", "雨が降る。風も", "吹く。",
        "The end.",
    ]  # fmt: skip
    with pytest.raises(UserError, match=r"a\.pdf is a PDF without text"):
        read_unsegmented(write(tmp_path, pdf([]), "a.pdf"))


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [("a.pdf", pdf(["One."]), "a PDF"), ("a.srt", SRT, "a file of subtitles")],
)
def test_a_corpus_needs_paragraphs(tmp_path, name, data, kind):
    with pytest.raises(UserError, match=f"{name} is {kind}, which does not mark paragraphs: "):
        read(write(tmp_path, data, name))


@pytest.mark.parametrize(
    ("name", "data", "module", "package"),
    [
        ("a.html", PAGE, "lxml", "lxml"),
        ("a.epub", epub({"one": "<p>One.</p>"}), "lxml", "lxml"),
        ("a.docx", word_document([(None, "One.")]), "docx", "python-docx"),
        ("a.pdf", pdf(["One."]), "pypdfium2", "pypdfium2"),
        ("a.txt.zst", b"\x28\xb5\x2f\xfd", "backports.zstd", "backports.zstd"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    tmp_path, monkeypatch, name, data, module, package
):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(UserError, match=rf"{name}: .* needs {package}: run pip .*\[formats\]'"):
        read_unsegmented(write(tmp_path, data, name))


def test_an_archive_that_would_fill_the_memory_is_refused(tmp_path):
    bomb = zipped({"META-INF/container.xml": "", "a": bytes(1 << 27)})
    with pytest.raises(UserError, match=r"a\.epub is larger than 64 MiB when it is decompressed"):
        read(write(tmp_path, bomb, "a.epub"))
    assert open_archive(zipped({"a": bytes(1 << 20)}), "a").namelist() == ["a"]


def test_a_subtitle_that_is_shown_twice_is_read_once(tmp_path):
    cue = "00:00:0{0},000 --> 00:00:0{1},000\nIt rained.\n"
    srt = "".join(f"{n}\n{cue.format(n, n + 1)}\n" for n in (1, 2))
    assert read_unsegmented(write(tmp_path, srt, "a.srt")).text == "It rained."
