"""Files of word vectors, as their makers publish them, read as a stream.

word2vec's text and binary formats, fastText's .vec and Wikipedia2Vec's .txt, which are the same
text, and GloVe's, which is that text without its first line; as they are, or compressed with gzip,
bzip2 or xz. gensim reads them as well, but it holds all in memory and cannot tell how far it is.
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

_COMPRESSION: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"BZh": bz2.BZ2File,
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"\xfd7zXZ": lzma.LZMAFile,
}
_LONGEST_LINE = 1 << 20

Row = tuple[str, NDArray[np.float32]]


def read_vector_file(path: Path) -> Iterator[Row]:
    """Yield every word of a file and its vector (d,), with a bar on standard error.

    Raises:
        ValueError: it is in none of the formats.
        EOFError: it ends too early.
        OSError, lzma.LZMAError, zlib.error: it cannot be read or decompressed.
    """
    with _opened(path) as file:
        first, second = file.readline(_LONGEST_LINE), file.readline(_LONGEST_LINE)
    header, columns = first.split(), len(second.split())
    with _opened(path) as file:
        if len(header) == 2 and all(number.isdigit() and int(number) for number in header):
            count, dim = (int(number) for number in header)
            file.readline()
            text = _is_text_row(second, columns - 1)
            if text and columns != dim + 1:
                raise ValueError(f"its first line promises {dim} numbers a word, not {columns - 1}")
            rows = _text_rows(file, dim) if text else _binary_rows(file, dim)
            for number in range(count):
                row = next(rows, None)
                if row is None:
                    raise EOFError(f"it ends after {number:,} of {count:,} vectors")
                yield row
        elif len(header) > 2 and _is_text_row(first, len(header) - 1):
            yield from _text_rows(file, len(header) - 1)
        else:
            raise ValueError("its first line is neither two counts nor a word and its numbers")


def _is_text_row(line: bytes, dim: int) -> bool:
    try:
        return dim > 0 and next(_text_rows(io.BytesIO(line), dim), None) is not None
    except ValueError:
        return False


def _text_rows(file: IO[bytes], dim: int) -> Iterator[Row]:
    for line in file:
        parts = line.split()
        if len(parts) <= dim:
            raise ValueError(f"{len(parts)} columns in the line {line[:20]!r}..., not {dim + 1}")
        word = b" ".join(parts[:-dim]).decode(errors="replace")  # GloVe has words with a space
        yield word, np.array(parts[-dim:], dtype=np.float32)


def _binary_rows(file: IO[bytes], dim: int) -> Iterator[Row]:
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
    """Open a file, decompressed, with a bar that follows its bytes on disk."""
    with (
        path.open("rb") as file,
        tqdm(
            total=path.stat().st_size,
            unit="B",
            unit_scale=True,
            desc=f"reading {path.name} once",
            delay=1,
            disable=None,
        ) as bar,
    ):
        watched = io.BufferedReader(_Watched(file, bar))
        magic = watched.peek(8)
        openers = (open_ for start, open_ in _COMPRESSION.items() if magic.startswith(start))
        opener = next(openers, None)
        yield io.BufferedReader(opener(watched)) if opener else watched


class _Watched(io.RawIOBase):
    """A file that tells a bar how far it has been read."""

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
