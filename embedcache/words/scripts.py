"""The script that a text is written in."""

import re

_KANA = re.compile("[ぁ-ゖァ-ヺｦ-ﾝ]")


def has_kana(text: str) -> bool:
    """Return whether a text contains hiragana or katakana, which only Japanese uses."""
    return _KANA.search(text) is not None
