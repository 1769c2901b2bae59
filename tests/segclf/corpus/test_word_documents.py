"""Word documents with unusual parts, and damaged documents and books."""

import io
from zipfile import ZIP_LZMA, ZipFile

import pytest

from embedcache import UserError
from segclf.corpus import read_unsegmented
from tests.segclf.corpus.books import epub, word_document, zipped
from tests.segclf.corpus.texts import read, write

BODY, STYLES = "word/document.xml", "word/styles.xml"
RELATIONS, TYPES = "_rels/.rels", "[Content_Types].xml"
TEXT_BOX = """<w:p><w:r><w:t>Host.</w:t></w:r><w:r>
<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">
<mc:Choice Requires="wps"><w:drawing><w:txbxContent><w:p><w:r><w:t>In the box.</w:t></w:r></w:p>
</w:txbxContent></w:drawing></mc:Choice>
<mc:Fallback><w:pict><w:txbxContent><w:p><w:r><w:t>In the box.</w:t></w:r></w:p>
</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"""


@pytest.fixture(scope="module")
def document():
    return word_document([("Heading 1", "One"), (None, "It rained.")])


def changed(data, member, old, new):
    """Return an archive with a part of one member replaced."""
    with ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert old in members[member]
    return zipped({**members, member: members[member].replace(old, new, 1)})


def with_damaged_data(data, member, after=0):
    """Return an archive in which 8 bytes of the compressed data of a member are overwritten."""
    with ZipFile(io.BytesIO(data)) as archive:
        start = archive.getinfo(member).header_offset + 30 + len(member) + after
    return data[:start] + b"\xff" * 8 + data[start + 8 :]


def compressed_by_lzma(data):
    with ZipFile(io.BytesIO(data)) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()}, ZIP_LZMA)


def with_encryption_flags(data):
    """Return an archive whose directory says that every member is encrypted."""
    flagged = bytearray(data)
    with ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            flagged[member.header_offset + 6] |= 1
    position = flagged.find(b"PK\1\2")
    while position >= 0:
        flagged[position + 8] |= 1
        position = flagged.find(b"PK\1\2", position + 1)
    return bytes(flagged)


def test_damaged_documents_and_books_are_errors(tmp_path, document):
    book = epub({"one": "<p>One.</p>"})
    body = changed(document, BODY, b"<w:body>", b"<w:other>")
    for name, data in [
        ("data.docx", with_damaged_data(document, BODY)),
        ("flags.docx", with_encryption_flags(document)),
        ("body.docx", changed(body, BODY, b"</w:body>", b"</w:other>")),
        ("style.docx", changed(document, STYLES, b'<w:style w:type="paragraph" ', b"<w:style ")),
        ("value.docx", changed(document, BODY, b'<w:pStyle w:val="Heading1"', b"<w:pStyle")),
        ("root.docx", changed(document, RELATIONS, b"<Relationships ", b"<a/><Relationships ")),
        ("other.docx", changed(document, RELATIONS, b"/relationships", b"/x")),
        ("target.docx", changed(document, RELATIONS, b"Target=", b"Other=")),
        ("part.docx", changed(document, TYPES, b"PartName=", b"Other=")),
        ("data.epub", with_damaged_data(book, "OEBPS/one.xhtml")),
        ("flags.epub", with_encryption_flags(book)),
        ("lzma.docx", with_damaged_data(compressed_by_lzma(document), BODY, after=20)),
        ("lzma.epub", with_damaged_data(compressed_by_lzma(book), "OEBPS/one.xhtml", after=20)),
    ]:
        path = write(tmp_path, data, name)
        for reader in (read, read_unsegmented):
            with pytest.raises(UserError, match=f"{name} (cannot be read as|is a damaged)"):
                reader(path)


def test_a_style_that_is_based_on_itself_is_read(tmp_path, document):
    heading = b'w:styleId="Heading1"><w:name w:val="heading 1"/><w:basedOn w:val="%s"/>'
    circle = changed(document, STYLES, heading % b"Normal", heading % b"Heading1")
    assert read(write(tmp_path, circle, "a.docx")).sentences == ["It rained."]


def test_a_text_box_is_read_once(tmp_path, document):
    data = changed(document, BODY, b"<w:sectPr", TEXT_BOX.encode() + b"<w:sectPr")
    assert read(write(tmp_path, data, "a.docx")).sentences == ["It rained.", "Host.", "In the box."]


@pytest.mark.parametrize("kind", ["page", "column"])
def test_a_break_of_pages_or_columns_may_be_inside_a_sentence(tmp_path, document, kind):
    broken = f'The river</w:t><w:br w:type="{kind}"/><w:t xml:space="preserve"> rose.'
    data = changed(document, BODY, b"It rained.", broken.encode())
    assert read(write(tmp_path, data, "a.docx")).sentences == ["The river rose."]
