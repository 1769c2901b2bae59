"""Reading of TOML files that a user writes."""

import sys
from pathlib import Path
from typing import Any

from embedcache.errors import UserError, reason_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        UserError: The file cannot be read or is not TOML.
    """
    return parse_toml(path, read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {reason_of(error)}") from error


def parse_toml(path: Path, data: bytes) -> dict[str, Any]:
    """Parse the content of a TOML file.

    Args:
        path: Path of the file, for messages.
        data: Content of the file.

    Raises:
        UserError: The file is not TOML.
    """
    try:
        return tomllib.loads(data.decode("utf-8-sig"))  # some editors write a byte order mark
    except ValueError as error:  # not TOML, or not UTF-8
        raise UserError(f"{path}: {error}") from error
