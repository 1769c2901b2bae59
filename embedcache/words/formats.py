"""Reads published files of word vectors as a stream.

The formats are the text and the binary format of word2vec, and the format of GloVe, which is the
text format without its first line. The .vec files of fastText and the .txt files of Wikipedia2Vec
have the text format. A file may be compressed with gzip, bzip2 or xz. gensim reads these formats
too, but it loads everything into memory and reports no progress.
"""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from embedcache.terminal import progress_bar

_COMPRESSION: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"BZh": bz2.BZ2File,
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"\xfd7zXZ": lzma.LZMAFile,
}
_LONGEST_LINE = 1 << 20  # bytes; limits the memory for the lines that determine the format
_LARGEST_VECTOR = 1 << 24  # bytes; limits the memory if the first line is wrong

Row = tuple[str, NDArray[np.float32]]


def read_vector_file(path: Path) -> Iterator[Row]:
    """Yield each word of a file and its vector (d,) float32; show a progress bar on standard error.

    Raises:
        ValueError: The file is not in a supported format.
        EOFError: The file is truncated.
        OSError, lzma.LZMAError, zlib.error: The file cannot be read or decompressed.
    """
    with _opened(path) as file:
        first, second = file.readline(_LONGEST_LINE), file.readline(_LONGEST_LINE)
    header = first.split()
    with _opened(path) as file:
        if len(header) == 2 and all(number.isdigit() and int(number) for number in header):
            count, dim = (int(number) for number in header)
            file.readline()
            yield from _counted_rows(file, count, dim, second)
        elif len(header) > 2 and _is_text_row(first, len(header) - 1):
            yield from _text_rows(file, len(header) - 1)
        else:
            raise ValueError("the first line is neither two counts nor a word and its numbers")


def _counted_rows(file: IO[bytes], count: int, dim: int, first_row: bytes) -> Iterator[Row]:
    """Yield the rows of a word2vec file after its first line, which states their number.

    Args:
        file: File at the first row.
        count: Number of rows.
        dim: Length of a vector.
        first_row: First row if the format is text; arbitrary bytes if it is binary.

    Raises:
        ValueError: A row does not have `dim` numbers.
        EOFError: The file has fewer rows.
    """
    numbers_in_row = len(first_row.split()) - 1
    is_text = _is_text_row(first_row, numbers_in_row)
    if is_text and numbers_in_row != dim:
        raise ValueError(
            f"the first line specifies {dim} numbers per word, but the second line has "
            f"{numbers_in_row}"
        )
    rows = _text_rows(file, dim) if is_text else _binary_rows(file, dim)
    for number in range(count):
        row = next(rows, None)
        if row is None:
            raise EOFError(f"the file ends after {number:,} of {count:,} vectors")
        yield row


def _is_text_row(line: bytes, dim: int) -> bool:
    try:
        return dim > 0 and next(_text_rows(io.BytesIO(line), dim), None) is not None
    except ValueError:
        return False


def _text_rows(file: IO[bytes], dim: int) -> Iterator[Row]:
    for line in file:
        parts = line.split()
        if len(parts) <= dim:
            raise ValueError(f"the line {line[:20]!r}... has {len(parts)} columns, not {dim + 1}")
        word = b" ".join(parts[:-dim])  # a word of GloVe may contain spaces
        yield word.decode(errors="replace"), np.array(parts[-dim:], dtype=np.float32)


def _binary_rows(file: IO[bytes], dim: int) -> Iterator[Row]:
    if 4 * dim > _LARGEST_VECTOR:
        raise ValueError(f"the first line specifies {dim:,} numbers per word, which is too many")
    while True:
        word = bytearray()
        while (byte := file.read(1)) not in (b" ", b""):
            word += byte
        numbers = file.read(4 * dim)
        if len(numbers) < 4 * dim:
            return
        yield word.decode(errors="replace").lstrip("\n"), np.frombuffer(numbers, dtype="<f4")


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, decompressed if necessary; a bar shows how many of its bytes have been read."""
    description = f"converting {path.name}"
    with (
        path.open("rb") as file,
        progress_bar(path.stat().st_size, "B", show=True, description=description) as bar,
    ):
        counted = io.BufferedReader(_CountedFile(file, bar))
        magic = counted.peek(8)
        openers = (opener for start, opener in _COMPRESSION.items() if magic.startswith(start))
        opener = next(openers, None)
        yield io.BufferedReader(opener(counted)) if opener else counted


class _CountedFile(io.RawIOBase):
    """A file that reports the bytes read from it to a progress bar."""

    def __init__(self, file: IO[bytes], bar: "tqdm[None]") -> None:
        self._file = file
        self._bar = bar

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._bar.update(len(data))
        return len(data)
