"""Reading texts from a file, from the text files in a folder, or from standard input."""

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from embedcache import UserError
from segclf.corpus.decode import DecodedText, decode

TEXT_SUFFIXES = {".txt", ".text", ".md", ".ref", ".jsonl"}


def read_text(path: str | Path) -> DecodedText:
    """Read one file, or standard input for "-", and detect its encoding.

    Raises:
        UserError: The file cannot be read or decoded.
    """
    if str(path) == "-":
        return decode(sys.stdin.buffer.read(), "standard input")
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {_reason(error)}") from error
    return decode(data, str(path))


def read_texts(path: str | Path) -> Iterator[tuple[str, str]]:
    """Yield the id and the text of a file, or of every text file in a folder and its subfolders.

    The id is the path relative to the folder, the name of a single file, or "stdin". The entries of
    each folder are sorted by name. Hidden files and folders are skipped, and so are files whose
    suffix is not in `TEXT_SUFFIXES`.

    Raises:
        UserError: The folder contains no text file, or a file or folder cannot be read.
    """
    root = Path(path)
    if not root.is_dir():
        name = "stdin" if str(path) == "-" else document_id(Path(root.name))
        yield name, read_text(path).text
        return
    for name, file in [(document_id(f.relative_to(root)), f) for f in text_files(root)]:
        yield name, read_text(file).text


def text_files(folder: Path) -> list[Path]:
    """List the text files in a folder and its subfolders; see `read_texts`.

    Raises:
        UserError: The folder contains no text file, or a folder in it cannot be read.
    """
    files = list(_text_files(folder))
    if not files:
        raise UserError(f"{folder}: no {', '.join(sorted(TEXT_SUFFIXES))} file in this folder")
    return files


def _text_files(folder: Path, parents: tuple[Path, ...] = ()) -> Iterator[Path]:
    resolved = folder.resolve()
    if resolved in parents:
        raise UserError(f"{folder} is a link to a folder that contains it: remove the link")
    for path, mode in _visible_entries(folder):
        if stat.S_ISDIR(mode):
            yield from _text_files(path, (*parents, resolved))
        elif path.suffix.lower() in TEXT_SUFFIXES:
            if not stat.S_ISREG(mode):
                raise UserError(f"{path} is not a regular file: remove it from the folder")
            yield path


def _visible_entries(folder: Path) -> list[tuple[Path, int]]:
    """List the entries of a folder that are not hidden, with their modes."""
    try:
        visible = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise UserError(f"{folder}: {_reason(error)}") from error
    return [(path, _mode(path)) for path in visible]


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError as error:
        raise UserError(f"{path} is a broken link: remove it or restore its target") from error
    except OSError as error:
        raise UserError(f"{path}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "no such file"
        case IsADirectoryError():
            return "expected a file, but this is a folder"
    return str(error.strerror).lower()


def document_id(path: Path) -> str:
    """Return the id of the document in a file, given its path relative to the corpus.

    Raises:
        UserError: The name of the file is not UTF-8.
    """
    try:
        path.as_posix().encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{path!a}: the file name is not UTF-8: rename the file") from error
    return path.as_posix()
