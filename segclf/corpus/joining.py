"""Joins the lines of wrapped text, and the parts of words that were hyphenated at line ends."""

import re
from dataclasses import dataclass

CJK = "[\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uffef]"
"""Regular expression for a Chinese or Japanese character or punctuation mark."""
_CJK = re.compile(CJK)
_SPACES = re.compile(r"\s+")
_NEWLINE = re.compile(r"[\r\n]")
_LETTER = r"[^\W\d_]"
_WORD = re.compile(rf"{_LETTER}+(?:[-‐]{_LETTER}+)*")
_BREAK = r"[^\S\r\n]*(?:\r\n|\r|\n)[^\S\r\n]*"
_AT_LINE_END = re.compile(  # the next part is not consumed, as it may end at a line end too
    rf"(?<!{_LETTER})({_LETTER}+)([-‐\u00ad]){_BREAK}(?=({_LETTER}+))"
)
_DIVIDED_WORD = re.compile(rf"(?<!{_LETTER}){_LETTER}+(?:[-‐\u00ad]{_BREAK}{_LETTER}+)+")
_IN_LINE = re.compile(rf"(?<={_LETTER})[-‐](?={_LETTER})")
_SOFT_HYPHEN = "\u00ad"
_CONJUNCTIONS = frozenset(
    ("and", "or", "to", "und", "oder", "bzw", "sowie", "bis", "et", "ou", "y")
)
_FRENCH_SECOND_PART = re.compile(
    "je|tu|ils?|elles?|on|nous|vous|ce|ci|là|moi|toi|lui|leur|même|être"
)
_MIN_AT_LINE_ENDS = 3


def unwrap(text: str) -> str:
    """Replace each line break and the whitespace around it with a space.

    Next to a CJK character, no space is inserted, since these scripts do not use spaces.
    """
    return _SPACES.sub(_without_break, text)


def _without_break(spaces: re.Match[str]) -> str:
    if not _NEWLINE.search(spaces.group()):
        return spaces.group()
    return "" if is_beside_cjk(spaces) else " "


def is_beside_cjk(spaces: re.Match[str]) -> bool:
    """Return whether the whitespace that was matched in a text is next to a CJK character."""
    text, start, end = spaces.string, *spaces.span()
    neighbours = text[max(start - 1, 0) : start] + text[end : end + 1]
    return _CJK.search(neighbours) is not None


@dataclass(frozen=True)
class WordJoiner:
    """Joins words that are divided by a hyphen at a line end.

    The hyphen may belong to the word ("well-known") or not ("exam-ple"). A soft hyphen is always
    removed. Another hyphen is kept before a capital letter, before a conjunction ("two- and
    three-year"), and if the text contains the word with this hyphen inside a line. Otherwise, it is
    removed if one of the following is true: the text contains the word without a hyphen elsewhere;
    the text is German; or the text has at least three hyphens at line ends, and more of them than
    inside lines, and does not contain both parts as words. If the hyphen is kept, only the line
    break is removed, or replaced with a space before a conjunction. In a word that is divided over
    more than two lines, each hyphen is judged by the parts beside it.

    Attributes:
        words: Words inside the lines of the text, with or without hyphens, in lower case. Empty if
            no hyphen is at a line end.
        language: Code of the language. In German, a hyphen before a lower-case letter divides a
            word. In French, a hyphen before a pronoun rarely divides a word ("dit-il").
        is_hyphenated: Whether words were divided to fill the lines of the text.
    """

    words: frozenset[str]
    language: str
    is_hyphenated: bool

    @classmethod
    def of(cls, text: str, language: str) -> "WordJoiner":
        """Collect the evidence from a whole text."""
        at_line_ends = len(_AT_LINE_END.findall(text))
        if not at_line_ends:
            return cls(frozenset(), language, False)
        words = _WORD.findall(_DIVIDED_WORD.sub(" ", text))
        is_hyphenated = at_line_ends >= max(_MIN_AT_LINE_ENDS, len(_IN_LINE.findall(text)) + 1)
        return cls(frozenset(map(str.lower, words)), language, is_hyphenated)

    def join(self, text: str) -> str:
        """Join the divided words in a part of the text."""
        return _AT_LINE_END.sub(self._join, text)

    def _join(self, divided: re.Match[str]) -> str:
        """Return the part of a word before a line end, and what joins it to the next part."""
        left, hyphen, right = divided.groups()
        if hyphen == _SOFT_HYPHEN:
            return left
        if right in _CONJUNCTIONS:  # "two- and three-year terms"
            return f"{left}{hyphen} "
        return left if self._is_divided(left.lower(), right) else left + hyphen

    def _is_divided(self, left: str, right: str) -> bool:
        if not right[0].islower() or f"{left}-{right}" in self.words:
            return False
        if left + right in self.words or self.language == "de":
            return True
        if self.language == "fr" and _FRENCH_SECOND_PART.fullmatch(right):
            return False
        return self.is_hyphenated and not {left, right} <= self.words
