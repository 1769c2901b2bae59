"""Detection of the script of a text."""

import re

KANA = re.compile("[ぁ-ゖァ-ヺｦ-ﾝ]")


def has_kana(text: str) -> bool:
    """Return whether a text contains hiragana or katakana, the syllabaries of Japanese."""
    return KANA.search(text) is not None
