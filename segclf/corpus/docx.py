"""Reader for DOCX: the paragraphs of a Word document; styles mark the headings."""

import io
import re
from collections.abc import Iterator
from typing import Any

from embedcache import UserError
from segclf.corpus.compressed import ARCHIVE_ERRORS, open_archive
from segclf.corpus.extracted import Block
from segclf.corpus.packages import require

_NAMESPACE = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_WRONG_KINDS = (AttributeError, TypeError)
"""Errors that python-docx raises if an element, an attribute or a part is missing or wrong."""
_BREAKS = ("page", "column")  # types of breaks that do not end a line
_LEFT_OUT = frozenset(("rt", "moveFrom", "del", "pPr", "rPr", "drawing", "pict", "Fallback"))
"""Elements whose text is left out: readings of ruby, deleted or moved text, properties, drawings.
The paragraphs of text boxes in drawings are read separately."""
_HEADING = re.compile(r"heading \d|title|subtitle", re.IGNORECASE)
_CONTENTS = re.compile(r"toc \d|toc heading", re.IGNORECASE)


def recognizes(names: list[str]) -> bool:
    """Return whether a ZIP archive with these members is a Word document."""
    return any(name.startswith("word/") for name in names)


def read(data: bytes, name: str, _encoding: str | None) -> list[Block]:
    """Read the body, without the table of contents, headers, footers and footnotes.

    Raises:
        UserError: The document is damaged or too large, or the package that parses it is missing.
    """
    require(name, "DOCX", "python-docx", "docx")
    from docx import Document
    from docx.exceptions import PythonDocxError
    from docx.opc.exceptions import OpcError
    from docx.oxml.exceptions import XmlchemyError
    from lxml.etree import LxmlError

    of_libraries = (OpcError, PythonDocxError, XmlchemyError, LxmlError)
    open_archive(data, name).close()
    try:
        document = Document(io.BytesIO(data))
        if document.element.body is None:
            raise ValueError("the document has no body")
        return [block for element in _paragraphs(document) if (block := _block(element, document))]
    except (*of_libraries, *_WRONG_KINDS, *ARCHIVE_ERRORS) as error:
        raise UserError(
            f"{name} cannot be read as a Word document (.docx), because it is damaged or has "
            "another format: save it as DOCX again"
        ) from error


def _paragraphs(document: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield the elements of the paragraphs, including those in tables and text boxes.

    Word writes a text box twice, the second time for programs that do not know the first form. The
    second is left out.
    """
    for element in document.element.body.iter(f"{_NAMESPACE}p"):
        if next(element.iterancestors(_FALLBACK), None) is None:
            yield element


def _block(element: Any, document: Any) -> Block | None:  # noqa: ANN401
    """Return the block of a paragraph; None if it is empty or in a table of contents."""
    from docx.text.paragraph import Paragraph

    styles = list(_style_names(Paragraph(element, document)))
    text = "".join(_texts(element)).strip("\n")
    if not text.strip() or any(map(_CONTENTS.fullmatch, styles)):
        return None
    is_heading = any(map(_HEADING.fullmatch, styles))
    return Block(" ".join(text.split()), True) if is_heading else Block(text)


def _style_names(paragraph: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the names of the style of a paragraph and of the styles that it is based on."""
    style = paragraph.style
    seen = set()
    while style is not None and style.style_id not in seen:  # a style may be based on itself
        seen.add(style.style_id)
        yield style.name or ""
        style = style.base_style


def _texts(element: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the parts of the text of an element, without the paragraphs inside it."""
    for child in element:
        name = str(child.tag).rpartition("}")[2]
        if name in _LEFT_OUT or name == "p":
            continue
        if name == "t":
            yield child.text or ""
        elif name in _CHARACTERS and child.get(f"{_NAMESPACE}type") not in _BREAKS:
            yield _CHARACTERS[name]
        else:
            yield from _texts(child)
