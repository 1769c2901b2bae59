"""Reading texts from a file, from the text files in a folder, or from standard input."""

import stat
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from embedcache import UserError
from embedcache.errors import reason_of
from embedcache.terminal import printable
from segclf.corpus.compressed import decompress, plain_name
from segclf.corpus.decode import DecodedText, decode
from segclf.corpus.extracted import ExtractedText
from segclf.corpus.extraction import MARKED_SUFFIXES, UNMARKED_SUFFIXES, extract

CORPUS_SUFFIXES = frozenset((".txt", ".text", ".md", ".ref", ".jsonl")) | MARKED_SUFFIXES
"""Suffixes of the files that are read as a corpus if they are in a folder."""
TEXT_SUFFIXES = CORPUS_SUFFIXES | UNMARKED_SUFFIXES
"""Suffixes of the files that are segmented if they are in a folder."""


def read_file(
    path: str | Path, *, encoding: str | None = None, extracting: bool = True
) -> DecodedText | ExtractedText:
    """Read one file, or standard input for "-", and decompress and decode it.

    Args:
        path: File, or "-".
        encoding: Encoding of the text; None to detect it.
        extracting: Whether to extract the text of a file with markup, such as HTML or EPUB.

    Returns:
        The extracted text of a file with markup, if `extracting` is true; otherwise, the decoded
        text.

    Raises:
        UserError: The file cannot be read, decompressed or decoded, or its text cannot be
            extracted.
    """
    name = "standard input" if str(path) == "-" else str(path)
    return interpret(read_bytes(path), name, encoding=encoding, extracting=extracting)


def interpret(
    data: bytes, name: str, *, encoding: str | None, extracting: bool
) -> DecodedText | ExtractedText:
    """Decompress and decode the content of a file; see `read_file`.

    Raises:
        UserError: The content cannot be decompressed or decoded, or its text cannot be extracted.
    """
    data = decompress(data, name)
    extracted = extract(data, plain_name(name), encoding) if extracting else None
    return extracted or decode(data, name, encoding=encoding)


def read_bytes(path: str | Path) -> bytes:
    """Return the content of a file, or of standard input for "-".

    Raises:
        UserError: The file cannot be read.
    """
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {_reason(error)}") from error


def corpus_files(
    path: str | Path, unreadable: dict[Path, str] | None = None
) -> list[tuple[str, Path]]:
    """List the id and the path of a file, or of every file of a corpus in a folder.

    The id is the path relative to the folder, the name of a single file, or "stdin". The entries of
    each folder are sorted by name. Hidden files and folders are skipped, and so are files whose
    suffix is not in `CORPUS_SUFFIXES`.

    Args:
        path: File, folder, or "-" for standard input.
        unreadable: Dict to which broken links and other entries of a folder that cannot be read are
            added, each with a message. If None, such an entry is an error.

    Raises:
        UserError: The folder cannot be listed or contains no such file, an entry in it cannot be
            read and `unreadable` is None, or the name of a single file is not UTF-8.
    """
    root = Path(path)
    if not root.is_dir():
        return [("stdin" if str(path) == "-" else document_id(Path(root.name)), root)]
    return files_with_ids(root, unreadable)


def files_with_ids(
    folder: Path, unreadable: dict[Path, str] | None = None
) -> list[tuple[str, Path]]:
    """List the id and the path of every file of a corpus in a folder; see `corpus_files`."""
    found = []
    for file in text_files(folder, CORPUS_SUFFIXES, unreadable):
        try:
            found.append((document_id(file.relative_to(folder)), file))
        except UserError as error:
            if unreadable is None:
                raise
            unreadable[file] = str(error)
    return found


def text_files(
    folder: Path,
    suffixes: Collection[str] = TEXT_SUFFIXES,
    unreadable: dict[Path, str] | None = None,
) -> list[Path]:
    """List the files in a folder and its subfolders that have one of the given suffixes.

    A compression suffix may follow. The order, the hidden files and the entries that cannot be read
    are handled as in `corpus_files`.

    Raises:
        UserError: The folder cannot be listed or contains no such file, or an entry in it cannot be
            read and `unreadable` is None.
    """
    files = list(_text_files(folder, suffixes, unreadable))
    if not files:
        raise UserError(f"{folder}: no {', '.join(sorted(suffixes))} file in this folder")
    return files


def _text_files(
    folder: Path,
    suffixes: Collection[str],
    unreadable: dict[Path, str] | None,
    parents: tuple[Path, ...] = (),
) -> Iterator[Path]:
    resolved = folder.resolve()
    if resolved in parents:
        raise UserError(f"{folder} is a link to a folder that contains it: remove the link")
    for path in _visible_entries(folder):
        try:
            mode = _mode(path)
            if stat.S_ISDIR(mode):
                yield from _text_files(path, suffixes, unreadable, (*parents, resolved))
            elif Path(plain_name(path.name)).suffix.lower() in suffixes:
                if not stat.S_ISREG(mode):
                    raise UserError(f"{path} is not a regular file: remove it from the folder")
                yield path
        except UserError as error:
            if unreadable is None:
                raise
            unreadable[path] = str(error)


def _visible_entries(folder: Path) -> list[Path]:
    """List the entries of a folder that are not hidden, sorted by name."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise UserError(f"{folder}: {_reason(error)}") from error


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
    return reason_of(error)


def document_id(path: Path) -> str:
    """Return the id of the document in a file, given its path relative to the folder.

    Raises:
        UserError: The name of the file is not UTF-8.
    """
    try:
        path.as_posix().encode()
    except UnicodeEncodeError as error:
        name = printable(str(path))
        raise UserError(f"{name}: the file name is not UTF-8: rename the file") from error
    return path.as_posix()
