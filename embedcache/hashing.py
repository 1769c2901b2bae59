"""Hashes of files and of JSON content, for fingerprints."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xxhash import xxh3_128

_READ_BYTES = 1 << 24


def fingerprint_of(content: dict[str, Any]) -> str:
    """Hash JSON content, such as an encoder's identity, with SHA-256: the first 32 hex digits."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def hash_files(paths: Iterable[Path], *, names: bool = True) -> str:
    """Hash the contents of files with XXH3, in the order of their paths.

    Args:
        paths: Paths of the files.
        names: Whether to hash the names of the files too.

    Returns:
        "xxh3:" and 32 hexadecimal digits.
    """
    digest = xxh3_128()
    for path in sorted(paths):
        if names:
            digest.update(path.name.encode())
        with path.open("rb") as file:
            while chunk := file.read(_READ_BYTES):
                digest.update(chunk)
    return f"xxh3:{digest.hexdigest()}"
