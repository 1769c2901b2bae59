"""Reader for HTML: elements mark the paragraphs; tags and ruby readings are left out."""

import codecs
import re
from typing import Any

from segclf.corpus.decode import decode
from segclf.corpus.extracted import Block
from segclf.corpus.markup import blocks_of, parse_html
from segclf.corpus.packages import require

_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*|<!--(?:(?!-->).)*-->\s*)*"
    rb"(?i:<!doctype\s+html|<html[\s>])",
    re.DOTALL,
)
_DECLARED = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_HEAD_BYTES = 2048
_XML_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml[^>]*\?>")
_READ_AS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
}
"""Larger encoding that browsers use instead of a declared one (WHATWG Encoding Standard)."""


def recognizes(data: bytes) -> bool:
    """Return whether a file begins like an HTML page."""
    return _START.match(data[:_HEAD_BYTES]) is not None


def read(data: bytes, name: str, encoding: str | None) -> list[Block]:
    """Read the body of a page, or the main text of a page of Aozora Bunko.

    Raises:
        UserError: The text cannot be decoded, its elements are nested too deeply, or the package
            that parses HTML is missing.
    """
    require(name, "HTML", "lxml")
    text = decode(data, name, encoding=encoding, declared=declared_encoding(data)).text
    root = parse_html(_XML_DECLARATION.sub("", text), name)
    return [block for part in _main_parts(root) for block in blocks_of(part)]


def _main_parts(root: Any) -> list[Any]:  # noqa: ANN401
    return root.xpath("//div[@class='main_text']") or [root]  # the class of Aozora Bunko


def declared_encoding(data: bytes) -> str | None:
    """Return the encoding that a page declares; None if there is none, or it must be wrong.

    UTF-16 and UTF-32 must be wrong, because the declaration is in ASCII characters.
    """
    found = _DECLARED.search(data[:_HEAD_BYTES])
    try:
        codec = codecs.lookup(found[1].decode().removeprefix("x-")).name if found else None
    except LookupError:
        return None
    if codec is None or codec.startswith(("utf-16", "utf-32")):
        return None
    return _READ_AS.get(codec, codec)
