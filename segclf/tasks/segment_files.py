"""Chooses the files to write when several texts are segmented."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedcache import UserError
from segclf.corpus.compressed import plain_name
from segclf.corpus.extraction import MARKED_SUFFIXES, UNMARKED_SUFFIXES
from segclf.corpus.files import text_files


@dataclass(frozen=True)
class FilePair:
    """A text file to read, and the file to write for it."""

    source: Path
    target: Path


def pair_files(
    paths: Sequence[str],
    output_dir: Path,
    suffix: str | None,
    unreadable: dict[Path, str] | None = None,
) -> list[FilePair]:
    """Choose the file to write for each text file, given files and folders.

    The file to write has the name of the text file, without a compression suffix. A file in a
    folder keeps its path relative to that folder. If the output folder lies in an input folder, the
    files below the output folder are not read, because they are earlier results.

    Args:
        paths: Files and folders; `segclf.corpus.files.text_files` lists the files in a folder.
        output_dir: Folder of the files to write.
        suffix: Suffix of the files to write; None to keep the suffix, or to replace it with .txt if
            the text is extracted from another format.
        unreadable: Dict to which the entries of folders that cannot be read are added, each with a
            message. If None, such an entry is an error.

    Raises:
        UserError: The output folder is a file, two files would be written to the same path, an
            input file would be overwritten, a folder contains no text file or an entry that cannot
            be read, or a path is "-".
    """
    if output_dir.exists() and not output_dir.is_dir():
        raise UserError(f"--output-dir {output_dir} is a file: choose a folder")
    pairs: dict[Path, FilePair] = {}
    for source, name in _find_files(paths, output_dir, unreadable):
        target = output_dir / _result_name(name, suffix)
        other = pairs.setdefault(target, FilePair(source, target)).source
        if other.resolve() != source.resolve():
            raise UserError(
                f"{other} and {source} would both be written to {target}: rename one of them, or "
                "segment them into different folders"
            )
    check_targets([pair.source for pair in pairs.values()], pairs)
    return list(pairs.values())


def _result_name(name: Path, suffix: str | None) -> Path:
    text = Path(plain_name(str(name)))
    is_extracted = text.suffix.lower() in MARKED_SUFFIXES | UNMARKED_SUFFIXES
    if suffix is None and not is_extracted:
        return text
    return text.with_suffix(suffix or ".txt")


def check_targets(sources: Iterable[Path], targets: Iterable[Path]) -> None:
    """Check that no file to write is a file to read.

    Raises:
        UserError: An input file would be overwritten.
    """
    inputs = {_identity(source) for source in sources if source.is_file()}
    for target in targets:
        if target.is_file() and _identity(target) in inputs:
            raise UserError(f"{target} is an input file: choose another output")


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _find_files(
    paths: Sequence[str], output_dir: Path, unreadable: dict[Path, str] | None
) -> Iterable[tuple[Path, Path]]:
    """Yield each text file, and the path of its result relative to the output folder."""
    for path in map(Path, paths):
        if str(path) == "-":
            raise UserError("standard input has no file name: use --output instead of --output-dir")
        if not path.is_dir():
            yield path, Path(path.name)
            continue
        results = output_dir.resolve()
        is_inside = results != path.resolve() and results.is_relative_to(path.resolve())
        for file in text_files(path, unreadable=unreadable):
            if not (is_inside and file.resolve().is_relative_to(results)):
                yield file, file.relative_to(path)
