"""Reader for EPUB: the chapters of the book in reading order, as one document."""

import posixpath
import re
from html.entities import html5
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

from embedcache import UserError
from segclf.corpus.compressed import ARCHIVE_ERRORS, open_archive
from segclf.corpus.decode import decode
from segclf.corpus.extracted import Block
from segclf.corpus.html import declared_encoding
from segclf.corpus.markup import blocks_of, parse_html
from segclf.corpus.packages import require

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_DECLARATIONS = re.compile(
    r"\A\ufeff?\s*<\?xml[^>]*\?>|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL
)
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)(\w+;)")


def recognizes(names: list[str]) -> bool:
    """Return whether a ZIP archive with these members is an EPUB."""
    return _CONTAINER in names


def read(data: bytes, name: str, encoding: str | None) -> list[Block]:
    """Read the chapters, without the table of contents.

    The given encoding is used for chapters that are not Unicode, which EPUB requires.

    Raises:
        UserError: The book is damaged, too large or copy-protected, a chapter cannot be decoded or
            parsed, or the package that parses it is missing.
    """
    require(name, "EPUB", "lxml")
    book = open_archive(data, name)
    try:
        chapters = _chapters(book, name)
        _check_protection(book, chapters, name)
        roots = [_parse(book.read(chapter), f"{name}: {chapter}", encoding) for chapter in chapters]
    except UserError:
        raise
    except ARCHIVE_ERRORS as error:
        raise UserError(f"{name} is a damaged EPUB ({error}): copy or download it again") from error
    return [block for root in roots for block in blocks_of(root)]


def _chapters(book: ZipFile, name: str) -> list[str]:
    """List the members of the archive that contain the chapters, in the order of the spine.

    The table of contents, and items that are not HTML or not in the linear reading order, are left
    out.
    """
    container = _parse(book.read(_CONTAINER), name)
    package_path = container.xpath("string(//*[local-name()='rootfile']/@full-path)")
    package = _parse(book.read(package_path), name)
    folder = posixpath.dirname(package_path)
    items = {item.get("id"): item for item in package.xpath("//*[local-name()='item']")}
    spine = package.xpath("//*[local-name()='itemref'][not(@linear='no')]/@idref")
    chosen = [items[idref] for idref in spine if idref in items]
    return [
        posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        for item in chosen
        if "nav" not in item.get("properties", "").split() and "html" in item.get("media-type", "")
    ]


def _check_protection(book: ZipFile, chapters: list[str], name: str) -> None:
    """Raise UserError if a chapter is encrypted. Encrypted fonts are allowed."""
    if _ENCRYPTION in book.namelist():
        encryption = _parse(book.read(_ENCRYPTION), name)
        encrypted = encryption.xpath("//*[local-name()='CipherReference']/@URI")
        if not set(chapters).isdisjoint(map(unquote, encrypted)):
            raise UserError(f"{name} is copy-protected (DRM): use a copy without DRM")


def _parse(data: bytes, name: str, encoding: str | None = None) -> Any:  # noqa: ANN401
    """Parse XML. A chapter that is not valid XML is parsed as HTML.

    The XML declaration and document type declarations are removed. Entities of HTML are replaced,
    those of XML are kept, and all others are removed, because their expansion can exhaust memory.

    Raises:
        UserError: The text cannot be decoded, or its elements are nested too deeply.
    """
    from lxml.etree import XMLParser, XMLSyntaxError, fromstring

    declared = encoding or declared_encoding(data)
    text = _DECLARATIONS.sub("", decode(data, name, declared=declared).text)
    text = _ENTITY.sub(lambda entity: html5.get(entity[1], ""), text)
    parser = XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, huge_tree=True)
    try:
        return fromstring(text.encode(errors="replace"), parser)
    except XMLSyntaxError:
        return parse_html(text, name)
