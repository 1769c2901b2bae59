"""Paths -> texts: a file, the text files of a folder, standard input."""

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from embedcache import UserError
from segclf.corpus.decode import DecodedText, decode

TEXT_SUFFIXES = {".txt", ".text", ".md", ".ref", ".jsonl"}


def read_text(path: str | Path) -> DecodedText:
    """Read one file, or standard input for "-", and tell its encoding.

    Raises:
        UserError: the file cannot be read, or it cannot be decoded.
    """
    if str(path) == "-":
        return decode(sys.stdin.buffer.read(), "standard input")
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {_reason(error)}") from error
    return decode(data, str(path))


def read_texts(path: str | Path) -> Iterator[tuple[str, str]]:
    """Yield the document id and the text of a file, or of every text file of a folder.

    A folder's files come in the order of their paths, with those of the folders below it. What is
    hidden is left out, and files without a suffix in `TEXT_SUFFIXES`.

    Raises:
        UserError: there is no text file, or something cannot be read.
    """
    folder = Path(path)
    if not folder.is_dir():
        name = "stdin" if str(path) == "-" else _document_id(Path(folder.name))
        yield name, read_text(path).text
        return
    files = [(_document_id(file.relative_to(folder)), file) for file in _text_files(folder)]
    if not files:
        raise UserError(f"{path}: no {', '.join(sorted(TEXT_SUFFIXES))} file in this folder")
    for document_id, file in files:
        yield document_id, read_text(file).text


def _text_files(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    place = folder.resolve()
    if place in above:
        raise UserError(f"{folder}: this link leads back to a folder that holds it")
    for path, mode in _visible_entries(folder):
        if stat.S_ISDIR(mode):
            yield from _text_files(path, (*above, place))
        elif path.suffix.lower() in TEXT_SUFFIXES:
            if not stat.S_ISREG(mode):
                raise UserError(f"{path}: is not a regular file")
            yield path


def _visible_entries(folder: Path) -> list[tuple[Path, int]]:
    """List the entries of a folder and their modes."""
    path = folder
    try:
        visible = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        entries = []
        for path in visible:
            entries.append((path, path.stat().st_mode))
    except FileNotFoundError as error:
        raise UserError(f"{path}: this link leads nowhere") from error
    except OSError as error:
        raise UserError(f"{path}: {_reason(error)}") from error
    return entries


def _reason(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "no such file"
        case IsADirectoryError():
            return "is a folder, expected a file"
        case PermissionError():
            return "may not be read"
    return str(error.strerror).lower()


def _document_id(path: Path) -> str:
    try:
        path.as_posix().encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{path!a}: its name is not UTF-8: rename it") from error
    return path.as_posix()
