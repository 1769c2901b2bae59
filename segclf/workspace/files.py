"""What the files of a workspace have in common: formats, times, and warnings about damage."""

import logging
from datetime import datetime, timezone
from functools import cache

from embedcache.terminal import printable

_log = logging.getLogger("segclf")


class NewerFormatError(Exception):
    """A file was written by a newer version of segtool."""


def check_format(number: object, newest: int) -> None:
    """Check the version number in a file.

    Args:
        number: Format of the file, as stated in the file.
        newest: Newest format that this version of segtool reads.

    Raises:
        ValueError: `number` is not a version number.
        NewerFormatError: `number` is greater than `newest`. The message tells the user to upgrade.
    """
    if type(number) is not int or number < 1:
        raise ValueError("its format is not a version number")
    if number > newest:
        raise NewerFormatError(
            f"has format {number}, but this version of segtool reads formats up to {newest}: "
            "upgrade segtool"
        )


def now() -> str:
    """Return the current time in UTC in ISO format, to the microsecond."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


@cache
def warn_once(message: str) -> None:
    """Log a warning once per process; it goes to standard error unless logging is configured."""
    _log.warning("warning: %s", printable(message))
