"""chonkie: a chunker whose chunks are paragraphs."""

from itertools import pairwise
from typing import Any

from chonkie import BaseChunker, Chunk

from segclf.integrations.paragraphs import ParagraphFinder


class ParagraphChunker(BaseChunker):
    """Chunks texts into paragraphs.

    Each chunk is a paragraph with the whitespace after it. Whitespace at the beginning of the text
    belongs to the first chunk.

    Args:
        finder: Object that finds the paragraphs. If None, each text is split by the ready model for
            its language.
        tokenizer: Tokenizer that counts the tokens of chunks, as in every chonkie chunker.

    Example:
        >>> [chunk.text for chunk in ParagraphChunker()(text)]
    """

    def __init__(
        self,
        finder: ParagraphFinder | None = None,
        tokenizer: Any = "character",  # noqa: ANN401
    ) -> None:
        super().__init__(tokenizer)
        self._finder = finder or ParagraphFinder()

    def chunk(self, text: str) -> list[Chunk]:
        """Return the chunks, whose concatenation is the text; none for a blank text.

        Raises:
            UserError: See `ParagraphFinder.spans`.
        """
        starts = [start for start, _ in self._finder.spans(text)]
        edges = [0, *starts[1:], len(text)] if starts else []
        parts = [text[start:end] for start, end in pairwise(edges)]
        counts = self.tokenizer.count_tokens_batch(parts)
        return [
            Chunk(text=part, start_index=start, end_index=start + len(part), token_count=count)
            for part, start, count in zip(parts, edges, counts, strict=False)
        ]
