"""LangChain: a `TextSplitter` whose chunks are paragraphs."""

from typing import Any

from langchain_text_splitters import TextSplitter

from segclf.integrations.paragraphs import ParagraphFinder


class ParagraphTextSplitter(TextSplitter):
    """Splits texts into paragraphs, or into chunks of whole paragraphs.

    Args:
        finder: Object that finds the paragraphs. If None, each text is split by the ready model for
            its language.
        chunk_size: Maximum length of a chunk in characters, or as measured by `length_function`.
            Neighbouring paragraphs are joined up to this length. A longer paragraph is not divided;
            to limit its length, use `max_length` of `SegmentOptions`. If None, each chunk is one
            paragraph.
        **options: Other arguments of `TextSplitter`, such as `add_start_index`, but not
            `chunk_overlap`, which is 0.

    Example:
        >>> splitter = ParagraphTextSplitter(chunk_size=2000)
        >>> splitter.create_documents([text])
    """

    def __init__(
        self,
        finder: ParagraphFinder | None = None,
        chunk_size: int | None = None,
        **options: Any,  # noqa: ANN401
    ) -> None:
        size = 1 if chunk_size is None else chunk_size  # LangChain refuses 0
        super().__init__(chunk_size=size, chunk_overlap=0, **options)
        self._finder = finder or ParagraphFinder()
        self._joins = chunk_size is not None

    def split_text(self, text: str) -> list[str]:
        """Return the chunks, each of which is a part of the text.

        Raises:
            UserError: See `ParagraphFinder.spans`.
        """
        spans = self._finder.spans(text)
        chunks: list[tuple[int, int]] = []
        for start, end in spans:
            joined = text[chunks[-1][0] : end] if chunks and self._joins else ""
            if joined and self._length_function(joined) <= self._chunk_size:
                chunks[-1] = (chunks[-1][0], end)
            else:
                chunks.append((start, end))
        return [text[start:end] for start, end in chunks]
