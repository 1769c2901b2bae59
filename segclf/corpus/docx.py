"""Reader for DOCX: the paragraphs of a Word document; styles mark the headings."""

import io
import re
from collections.abc import Iterator
from typing import Any
from zipfile import BadZipFile

from embedcache import UserError
from segclf.corpus.compressed import open_archive
from segclf.corpus.extracted import Block
from segclf.corpus.packages import require

_NAMESPACE = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_LEFT_OUT = frozenset(("rt", "moveFrom", "del", "pPr", "rPr", "drawing", "pict", "Fallback"))
"""Elements that are left out: readings of ruby, deleted text, and content that is not text."""
_HEADING = re.compile(r"heading \d|title|subtitle", re.IGNORECASE)
_CONTENTS = re.compile(r"toc \d|toc heading", re.IGNORECASE)


def recognizes(names: list[str]) -> bool:
    """Return whether a ZIP archive with these members is a Word document."""
    return any(name.startswith("word/") for name in names)


def read(data: bytes, name: str, _encoding: str | None) -> list[Block]:
    """Read the body, without the table of contents, headers, footers and footnotes.

    Raises:
        UserError: The document is damaged, or the package that parses it is missing.
    """
    require(name, "DOCX", "python-docx", "docx")
    from docx import Document
    from docx.opc.exceptions import OpcError
    from docx.text.paragraph import Paragraph
    from lxml.etree import LxmlError

    open_archive(data, name).close()
    try:
        document = Document(io.BytesIO(data))
    except (OpcError, LxmlError, BadZipFile, KeyError, ValueError, NotImplementedError) as error:
        raise UserError(
            f"{name} cannot be read as a Word document (.docx): it is damaged or of another kind"
        ) from error
    blocks = []
    for element in document.element.body.iter(f"{_NAMESPACE}p"):
        styles = list(_style_names(Paragraph(element, document)))
        text = "".join(_texts(element)).strip("\n")
        if text.strip() and not any(map(_CONTENTS.fullmatch, styles)):
            is_heading = any(map(_HEADING.fullmatch, styles))
            blocks.append(Block(" ".join(text.split()), True) if is_heading else Block(text))
    return blocks


def _style_names(paragraph: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the names of the style of a paragraph and of the styles that it is based on."""
    style = paragraph.style
    while style is not None:
        yield style.name or ""
        style = style.base_style


def _texts(element: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the parts of the text of a paragraph, without the paragraphs inside it."""
    for child in element:
        name = str(child.tag).rpartition("}")[2]
        if name in _LEFT_OUT or name == "p":
            continue
        if name == "t":
            yield child.text or ""
        elif name in _CHARACTERS and child.get(f"{_NAMESPACE}type") != "page":
            yield _CHARACTERS[name]
        else:
            yield from _texts(child)
