"""Files in formats with markup, made by hand or by the libraries that write them."""

import io
import zipfile

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
)
XHTML = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
    '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
    "<head><title/></head><body>{}</body></html>"
)


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    """Return a ZIP archive: name -> content."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def epub(chapters, **more):
    """Return an EPUB: name -> XHTML inside the body. The spine is in the order of the chapters."""
    items = "".join(
        f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in chapters
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="nav" href="nav.xhtml" '
        f'media-type="application/xhtml+xml" properties="nav"/>{items}</manifest>'
        f'<spine><itemref idref="nav"/>{spine}</spine></package>'
    )
    pages = {f"OEBPS/{name}.xhtml": XHTML.format(body) for name, body in chapters.items()}
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": package,
        "OEBPS/nav.xhtml": XHTML.format("<nav><ol><li>Contents</li></ol></nav>"),
    }
    return zipped({**members, **pages, **more})


def word_document(paragraphs, ruby=()):
    """Return a DOCX: pairs of a style and a text; pairs of a base and a reading."""
    document = docx.Document()
    for style, text in paragraphs:
        document.add_paragraph(text, style=style)
    if ruby:
        runs = "".join(
            f"<w:r><w:ruby><w:rt><w:r><w:t>{reading}</w:t></w:r></w:rt>"
            f"<w:rubyBase><w:r><w:t>{base}</w:t></w:r></w:rubyBase></w:ruby></w:r>"
            for base, reading in ruby
        )
        document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{runs}</w:p>"))
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


JAPANESE_FONT = (
    b"<</Type /Font /Subtype /Type0 /BaseFont /HeiseiMin-W3 /Encoding /UniJIS-UTF16-H "
    b"/DescendantFonts [<</Type /Font /Subtype /CIDFontType0 /BaseFont /HeiseiMin-W3 /DW 1000 "
    b"/CIDSystemInfo <</Registry (Adobe) /Ordering (Japan1) /Supplement 2>> >>]>>"
)


def pdf(*pages):
    """Return a PDF with the lines of each page."""
    objects = [JAPANESE_FONT, b""]
    kids = []
    for lines in pages:
        shown = b" ".join(b"<%s> Tj T*" % _hexadecimal(line) for line in lines)
        content = b"BT /F1 12 Tf 72 720 Td 14 TL %s ET" % shown
        objects.append(b"<</Length %d>>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources <</Font <</F1 1 0 R>>>>>>" % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<</Type /Pages /Kids [%s] /Count %d>>" % (b" ".join(kids), len(kids))
    objects.append(b"<</Type /Catalog /Pages 2 0 R>>")
    out = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer <</Size %d /Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    return out + head + table + tail % (len(objects) + 1, len(objects), len(out))


def _hexadecimal(line):
    return line.encode("utf-16-be").hex().encode()


SRT = """1
00:00:01,000 --> 00:00:02,500
<i>It rained</i> on

2
00:00:03,000 --> 00:00:04,000
the town. The river
rose.
"""
VTT = """WEBVTT

NOTE made by hand

00:01.000 --> 00:04.000
<v Anna>Tea &amp; bread

00:02.000 --> 00:05.000
Tea &amp; bread
for<00:03.000><c> all</c>
"""
AOZORA_PAGE = """<?xml version="1.0" encoding="Shift_JIS"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="ja">
<head><meta http-equiv="Content-Type" content="text/html;charset=Shift_JIS" />
<title>題</title></head>
<body><div class="metadata"><h1 class="title">題</h1></div>
<div class="main_text"><br />
<h4 class="naka-midashi"><a class="midashi_anchor" id="midashi10">一</a></h4><br />
　<ruby><rb>私</rb><rp>（</rp><rt>わたくし</rt><rp>）</rp></ruby>は来た。雨だ。<br />
「<img src="1-84-77.png" alt="※(「てへん＋劣」、第3水準1-84-77)" class="gaiji" />った」<br />
<span class="notes">［＃ここから２字下げ］</span><br />
　夜に<em class="sesame_dot">なった</em>。<br />
</div>
<div class="bibliographical_information"><hr />底本：「本」<br /></div></body></html>
""".replace("\n", "\r\n")
