"""Output on a terminal: progress bars, and text that is safe to print."""

import re

from tqdm import tqdm

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


def progress_bar(
    total: int,
    unit: str,
    *,
    show: bool,
    description: str | None = None,
    done: int = 0,
    leave: bool = True,
    delay: float = 1,
) -> "tqdm[None]":
    """Make a progress bar on standard error. It is never shown if that is not a terminal.

    Args:
        total: Number of units.
        unit: Name of the units; "B" for bytes, which are shown as kB, MB and so on.
        show: Whether to show the bar.
        description: Text before the bar.
        done: Number of units that are done already.
        leave: Whether to keep the bar on the screen at the end.
        delay: Seconds after which the bar appears, so that short tasks show none.
    """
    is_bytes = unit == "B"
    return tqdm(
        total=total,
        unit=unit if is_bytes else f" {unit}",
        unit_scale=is_bytes,
        desc=description,
        initial=done,
        leave=leave,
        delay=delay,
        disable=None if show else True,  # None: shown on a terminal only
    )
