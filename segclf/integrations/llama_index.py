"""LlamaIndex: a node parser whose nodes are paragraphs."""

from typing import Annotated, Any

from llama_index.core.node_parser.interface import TextSplitter
from pydantic import PlainSerializer, WithJsonSchema

from segclf.integrations.paragraphs import ParagraphFinder


class ParagraphNodeParser(TextSplitter):
    """Parses documents into nodes, one for each paragraph.

    The settings and the fingerprint of the finder are part of the serialized parser, by which the
    cache of an `IngestionPipeline` distinguishes parsers.

    Args:
        finder: Object that finds the paragraphs. If None, each text is split by the ready model for
            its language.
        **options: Arguments of every `NodeParser`, such as `include_metadata`.

    Example:
        >>> ParagraphNodeParser().get_nodes_from_documents([Document(text=text)])
    """

    finder: Annotated[
        ParagraphFinder,
        PlainSerializer(lambda finder: {**finder.settings, "fingerprint": finder.fingerprint}),
        WithJsonSchema({"type": "object"}),
    ]

    def __init__(self, finder: ParagraphFinder | None = None, **options: Any) -> None:  # noqa: ANN401
        super().__init__(finder=finder or ParagraphFinder(), **options)

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex serializes the parser."""
        return "ParagraphNodeParser"

    def split_text(self, text: str) -> list[str]:
        """Return the paragraphs.

        Raises:
            UserError: See `ParagraphFinder.spans`.
        """
        return self.finder.split(text)
