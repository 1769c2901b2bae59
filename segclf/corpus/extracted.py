"""Text that was extracted from a file with markup, as paragraphs and headings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from embedcache import UserError
from segclf.corpus import plain
from segclf.corpus.documents import Document
from segclf.corpus.headings import is_certain_heading
from segclf.corpus.options import ReadOptions

SEPARATOR = "* * *"
_LINES_PER_PARAGRAPH = 2  # minimum mean number of lines in blocks that are read as plain text


class Block(NamedTuple):
    """A paragraph, a heading, or a line of symbols between scenes.

    Attributes:
        text: Lines of the block, separated by LF.
        is_heading: Whether the block belongs to no paragraph: a heading or a line of symbols.
    """

    text: str
    is_heading: bool = False


@dataclass(frozen=True)
class ExtractedText:
    """The text of a file with markup.

    Attributes:
        kind: Name of the format with an indefinite article, such as "an EPUB".
        blocks: Paragraphs and headings.
        has_paragraphs: Whether the format marks paragraphs.
    """

    kind: str
    blocks: Sequence[Block]
    has_paragraphs: bool = True

    def to_text(self) -> str:
        """Return the text with a blank line between blocks, as `segment` reads it.

        Headings are written as in Markdown, unless their content shows that they are headings.
        """
        return "\n\n".join(
            f"# {text}" if is_heading and not is_certain_heading(text) else text
            for text, is_heading in self.blocks
        )

    def to_document(self, document_id: str, options: ReadOptions) -> Document:
        """Return the document of the text, without its headings.

        The paragraphs are those that the file marks, unless the options define them otherwise. If
        most line breaks are inside the marked paragraphs, the lines are read as in plain text.

        Raises:
            UserError: The format does not mark paragraphs.
        """
        if not self.has_paragraphs:
            raise UserError(
                f"{document_id} is {self.kind}, which does not mark paragraphs: a corpus needs "
                "them, but segtool segment can split such a file"
            )
        paragraphs = [block.text for block in self.blocks if not block.is_heading]
        marks_are_paragraphs = sum(
            len(text.splitlines()) for text in paragraphs
        ) < _LINES_PER_PARAGRAPH * len(paragraphs)
        separator = "\n\n"
        # without blank lines, as a short paragraph between blank lines would look like a heading
        if options.boundary != "auto":
            separator = "\n\n" if options.boundary == "blank" else "\n"
        elif marks_are_paragraphs:
            options = replace(options, boundary="blank")
        (document,) = plain.read(separator.join(paragraphs), document_id, options)
        titles = sum(block.is_heading and block.text != SEPARATOR for block in self.blocks)
        return replace(document, headings=document.headings + titles)
