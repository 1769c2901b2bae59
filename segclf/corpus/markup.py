"""Paragraphs and headings of HTML, found in the tree of its elements."""

import re
from dataclasses import dataclass, field
from typing import Any

from embedcache import UserError
from segclf.corpus import aozora
from segclf.corpus.extracted import SEPARATOR, Block
from segclf.corpus.joining import is_beside_cjk

_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_BLOCKS = _HEADINGS.union(
    ("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details"),
    ("dialog", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header"),
    ("hgroup", "hr", "legend", "li", "main", "ol", "p", "pre", "section", "summary", "table"),
    ("tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
)
_SKIPPED = frozenset(("rp", "rt", "rtc")).union(  # the readings of ruby
    ("audio", "button", "canvas", "head", "iframe", "math", "nav", "noscript", "object"),
    ("script", "select", "style", "svg", "template", "textarea", "title", "video"),
)
_NOTES = frozenset(("noteref", "footnote", "endnote", "rearnote")).union(
    ("doc-noteref", "doc-footnote", "doc-endnote", "doc-endnotes")
)
_NOTE_OF_AOZORA = "notes"  # class of an annotation such as ［＃地から１字上げ］
_BREAK = "\u2028"
_NO_BREAK_SPACE = "\u00a0"
_SELF_CLOSED = re.compile(
    r"(?is:<!--.*?(?:-->|\Z)|<(script|style)\b[^<>]*(?<!/)>.*?(?:</\1\b|\Z))"
    r"|<(?P<name>title|script|style|a|p|div|span|i|b|em|strong)\b(?P<attributes>[^<>]*)/>"
)
"""Elements of XHTML that an HTML parser would not close.

The first alternatives match comments and scripts, in which the text of such an element is kept.
They extend to the end of a page if they are not closed, so that the time is linear."""
_SPACES = re.compile("[ \t\r\n\f]+")


def parse_html(text: str, name: str) -> Any:  # noqa: ANN401
    """Parse a page as a browser does: mistakes in its markup are corrected.

    Returns:
        The root element; an empty element if the text contains no elements.

    Raises:
        UserError: The elements are nested so deeply that the parser stops.
    """
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True)  # long texts are allowed
    closed = _SELF_CLOSED.sub(_with_end_tag, text)
    root = etree.fromstring(closed.encode(errors="replace"), parser) if text.strip() else None
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        raise UserError(f"{name}: its elements are nested too deeply: convert it to plain text")
    return parser.makeelement("empty") if root is None else root


def _with_end_tag(match: re.Match[str]) -> str:
    name = match["name"]
    return f"<{name}{match['attributes']}></{name}>" if name else match[0]


def blocks_of(root: Any) -> list[Block]:  # noqa: ANN401
    """Return the paragraphs and headings in an lxml element, in the order of the text.

    A paragraph ends where a block element begins or ends. A line break in the source becomes a
    space, or is removed next to a Chinese or Japanese character, but is kept in `<pre>`. `<br>`
    becomes a line break, and `<hr>` a line of symbols. Ruby readings, notes, navigation, scripts,
    media, controls and hidden elements are left out.
    """
    builder = _Builder()
    _fill(builder, root)
    builder.end_block()
    return builder.blocks


@dataclass
class _Builder:
    """Joins the texts between tags into blocks."""

    blocks: list[Block] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list)
    _in_heading: bool = False
    _preformatted: int = 0

    def add(self, text: str | None) -> None:
        if text:
            self._pieces.append(_as_printed(text) if self._preformatted else text)

    def begin(self, name: str) -> None:
        if name in _BLOCKS:
            self.end_block()
        if name in _HEADINGS:
            self._in_heading = True
        elif name == "pre":
            self._preformatted += 1
        elif name == "br":
            self._pieces.append(_BREAK)
        elif name == "hr":
            self.blocks.append(Block(SEPARATOR, is_heading=True))

    def end(self, name: str) -> None:
        if name in _BLOCKS:
            self.end_block()
        if name in _HEADINGS:
            self._in_heading = False
        elif name == "pre":
            self._preformatted -= 1

    def end_block(self) -> None:
        lines = [_on_one_line(line) for line in "".join(self._pieces).split(_BREAK)]
        self._pieces.clear()
        text = "\n".join(lines).strip("\n")
        if text.strip():
            one_line = " ".join(text.split())
            self.blocks.append(Block(one_line, True) if self._in_heading else Block(text))


def _fill(builder: _Builder, root: Any) -> None:  # noqa: ANN401
    """Pass the tags below an element, and the texts between them, to a builder."""
    from lxml import etree

    skipped = None
    walker = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walker:
        if event in ("comment", "pi"):
            builder.add(element.tail)
            continue
        name = element.tag.rpartition("}")[2].lower()
        if event == "start" and (name in _SKIPPED or _is_left_out(element)):
            skipped = element
            walker.skip_subtree()
        elif event == "start":
            builder.begin(name)
            builder.add(element.text)
            if name == "img" and "gaiji" in element.get("class", "").split():
                builder.add(aozora.character_of(element.get("alt", "")))
        else:
            if element is not skipped:
                builder.end(name)
            if element is not root:
                builder.add(element.tail)


def _is_left_out(element: Any) -> bool:  # noqa: ANN401
    attributes = {
        key.rpartition("}")[2].rpartition(":")[2]: value for key, value in element.items()
    }
    kinds = f"{attributes.get('type', '')} {attributes.get('role', '')}".split()
    return (
        "hidden" in attributes
        or attributes.get("class") == _NOTE_OF_AOZORA
        or not _NOTES.isdisjoint(kinds)
    )


def _as_printed(text: str) -> str:
    """Protect the line breaks and spaces of preformatted text; the spaces may be indents."""
    spaces = text.expandtabs().replace(" ", _NO_BREAK_SPACE)
    return re.sub("\r\n?|\n", _BREAK, spaces)


def _on_one_line(text: str) -> str:
    """Collapse whitespace as a browser does, and remove line breaks beside CJK characters.

    Ideographic spaces are kept, since they may be indents.
    """
    return _SPACES.sub(_without_break, text).strip(" ").replace(_NO_BREAK_SPACE, " ")


def _without_break(spaces: re.Match[str]) -> str:
    if "\n" not in spaces.group() and "\r" not in spaces.group():
        return " "
    return "" if is_beside_cjk(spaces) else " "
