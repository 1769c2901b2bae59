"""Makes text from files and file names safe for a terminal."""

import re

# Control characters, which begin escape sequences; marks that change the direction of writing;
# line separators; and surrogates, which represent bytes of a file name that are not UTF-8.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Replace control characters and line breaks in a text with escapes such as \x1b.

    Example:
        >>> print(printable("a\x1b[31mb\nc"))
        a\x1b[31mb\nc
    """
    return _UNSAFE.sub(lambda match: ascii(match[0])[1:-1], text)
