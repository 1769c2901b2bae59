"""Formats, checksums, times and warnings that the files of a workspace share."""

import logging
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from embedcache.files import write_json
from embedcache.hashing import fingerprint_of
from embedcache.terminal import printable

CHECKSUM = "checksum"  # name of the field with the checksum of all other fields

_log = logging.getLogger("segclf")


class NewerFormatError(Exception):
    """A file was written by a newer version of segtool."""


def check_format(number: object, newest: int) -> None:
    """Check the format number in a file.

    Args:
        number: Format of the file, as stated in the file.
        newest: Newest format that this version of segtool reads.

    Raises:
        ValueError: `number` is not a positive integer.
        NewerFormatError: `number` is greater than `newest`. The message tells the user to upgrade.
    """
    if type(number) is not int or number < 1:
        raise ValueError("its format is not a version number")
    if number > newest:
        raise NewerFormatError(
            f"has format {number}, but this version of segtool reads formats up to {newest}: "
            "upgrade segtool"
        )


def with_checksum(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a JSON object with a checksum, which replaces an earlier one."""
    others = {name: value for name, value in content.items() if name != CHECKSUM}
    return others | {CHECKSUM: fingerprint_of(others)}


def write_checked_json(path: Path, content: dict[str, Any], *, indent: int | None = None) -> None:
    """Write a JSON object with a checksum atomically."""
    write_json(path, with_checksum(content), indent=indent)


def verify_checksum(content: dict[str, Any]) -> None:
    """Check the checksum of a JSON object, if it has one; files of early versions have none.

    Raises:
        ValueError: The content does not match the checksum.
    """
    if CHECKSUM in content and with_checksum(content) != content:
        raise ValueError("its content does not match its checksum")


def now() -> str:
    """Return the current time in UTC in ISO format, to the microsecond."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


@cache
def warn_once(message: str) -> None:
    """Log a warning, unless this process has logged the same message before.

    The message goes to standard error unless logging is configured.
    """
    _log.warning("warning: %s", printable(message))
