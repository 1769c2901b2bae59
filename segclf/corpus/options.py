"""Reader options."""

from typing import Literal

from pydantic import field_validator

from embedcache import UserError
from segclf.corpus.decode import check_encoding
from segclf.corpus.documents import Boundary
from segclf.corpus.languages import check_language
from segclf.corpus.sentences import sentence_rule
from segclf.settings import settings

FormatName = Literal["plain", "aozora", "choi", "jsonl"]
"""Names of the text formats; `segclf.corpus.read.FORMATS` has their readers."""

_UNUSED: dict[str, tuple[str, ...]] = {"choi": ("boundary", "sentences"), "jsonl": ("boundary",)}
"""Options that have no effect on a format."""


@settings
class ReadOptions:
    """How to find paragraphs and sentences in a text.

    Attributes:
        boundary: Lines that begin a paragraph. indent: indented lines; line: every line; blank:
            lines after a blank line; auto: detected from the text; typed: indented lines begin a
            paragraph, and every other line is a line of dialogue.
        sentences: How to split the text into sentences. sentencex: language-specific rules; line:
            one sentence per line; kuten: for Japanese, split at 。 only, and remove 。 and spaces.
        language: Language code (ISO 639-1) for sentencex. [default: detected]
        text_encoding: Encoding of the files, such as cp1252 or gb18030. [default: detected]

    Raises:
        UserError: An option has the wrong type, or the boundary, the sentence rule, the language or
            the encoding is unknown.
    """

    boundary: Literal["auto", Boundary] = "auto"
    sentences: str = "sentencex"
    language: str | None = None
    text_encoding: str | None = None

    @field_validator("sentences")
    @classmethod
    def _check_sentences(cls, name: str) -> str:
        sentence_rule(name)
        return name

    @field_validator("language")
    @classmethod
    def _check_language(cls, code: str | None) -> str | None:
        check_language(code)
        return code

    @field_validator("text_encoding")
    @classmethod
    def _check_encoding(cls, name: str | None) -> str | None:
        if name is not None:
            check_encoding(name)
        return name


def check_format_options(format_name: str, options: ReadOptions) -> None:
    """Raise UserError for an option that a given format would ignore."""
    for name in _UNUSED.get(format_name, ()):
        value = getattr(options, name)
        if value != getattr(ReadOptions, name):
            raise UserError(
                f"--{name} {value} has no effect on the format {format_name}: leave out --{name}"
            )
