"""LlamaIndex: a node parser whose nodes are paragraphs."""

from typing import Any

from llama_index.core.node_parser.interface import TextSplitter
from pydantic import PrivateAttr

from segclf.integrations.paragraphs import ParagraphFinder


class ParagraphNodeParser(TextSplitter):
    """Parses documents into nodes, one for each paragraph.

    Args:
        finder: Object that finds the paragraphs. If None, each text is split by the ready model for
            its language.
        **options: Arguments of every `NodeParser`, such as `include_metadata`.

    Example:
        >>> ParagraphNodeParser().get_nodes_from_documents([Document(text=text)])
    """

    _finder: ParagraphFinder = PrivateAttr()

    def __init__(self, finder: ParagraphFinder | None = None, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self._finder = finder or ParagraphFinder()

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex serializes the parser."""
        return "ParagraphNodeParser"

    def split_text(self, text: str) -> list[str]:
        """Return the paragraphs."""
        return self._finder.split(text)
