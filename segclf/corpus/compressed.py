"""Decompression of files, with a limit on the size of the result."""

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

from embedcache import UserError
from embedcache.packages import is_installed
from segclf.corpus.packages import require

COMPRESSED_SUFFIXES = (".gz", ".xz", ".zst", ".bz2")
ARCHIVE_ERRORS = (
    BadZipFile,
    KeyError,
    ValueError,
    OSError,
    EOFError,
    RuntimeError,  # also NotImplementedError
    zlib.error,
    lzma.LZMAError,
)
"""Errors that reading a member of a damaged or encrypted ZIP archive may raise."""
_ALWAYS_ALLOWED = 1 << 26  # bytes
_MAX_RATIO = 100
"""Maximum size of the decompressed content, divided by the size of the compressed file.

Compression makes text 3 to 20 times smaller, and a file that is designed to exhaust the memory
about 1,000 times smaller."""


@contextmanager
def _open_zstd(file: IO[bytes]) -> Iterator[Any]:
    try:
        from compression import zstd
    except ImportError:  # Python 3.13 or earlier
        from backports import zstd
    try:
        with zstd.open(file) as content:
            yield content
    except zstd.ZstdError as error:
        raise OSError(str(error)) from error


_OPENERS: dict[bytes, tuple[str, Callable[[IO[bytes]], Any]]] = {
    rb"\x1f\x8b": ("gzip", gzip.open),
    rb"\xfd7zXZ\0": ("xz", lzma.open),
    rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)": ("bzip2", bz2.open),
    rb"\x28\xb5\x2f\xfd": ("zstd", _open_zstd),
}
"""Name of each compression and the function that opens it, by a pattern of the first bytes."""


def decompress(data: bytes, name: str) -> bytes:
    """Return the content of a file that is compressed by gzip, xz, bzip2 or zstd.

    Other files are returned unchanged.

    Raises:
        UserError: The file is damaged, its content is much larger than the file, or the package
            that decompresses it is missing.
    """
    found = next((kind for pattern, kind in _OPENERS.items() if re.match(pattern, data)), None)
    if found is None:
        return data
    kind, opener = found
    if kind == "zstd" and not is_installed("compression.zstd"):  # Python 3.14 has it
        require(name, "zstd", "backports.zstd")
    limit = _limit(data)
    try:
        with opener(io.BytesIO(data)) as file:
            content: bytes = file.read(limit + 1)
    except (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError) as error:
        raise UserError(
            f"{name} is compressed by {kind}, but it is damaged: copy or download it again"
        ) from error
    if len(content) > limit:
        raise _too_large(name, limit)
    return content


def open_archive(data: bytes, name: str) -> ZipFile:
    """Open a ZIP archive, and check the size of its members.

    Raises:
        UserError: The archive is damaged, or its members are much larger than the archive.
    """
    try:
        archive = ZipFile(io.BytesIO(data))
    except (BadZipFile, ValueError, NotImplementedError) as error:
        raise UserError(f"{name} is a damaged ZIP archive: copy or download it again") from error
    # zipfile never returns more bytes of a member than the directory of the archive says
    if sum(member.file_size for member in archive.infolist()) > _limit(data):
        raise _too_large(name, _limit(data))
    return archive


def plain_name(name: str) -> str:
    """Return the name of a file without its compression suffix."""
    path = PurePath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in COMPRESSED_SUFFIXES else name


def _limit(data: bytes) -> int:
    return max(_ALWAYS_ALLOWED, _MAX_RATIO * len(data))


def _too_large(name: str, limit: int) -> UserError:
    return UserError(
        f"{name} is larger than {limit >> 20:,} MiB when it is decompressed, which is unusual for "
        "text: decompress it yourself if you trust it"
    )
