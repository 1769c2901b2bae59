"""Lists the text files of a corpus, given as a file, a folder, a glob or a URL of one of them."""

import glob
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from embedcache import UserError
from embedcache.shards.plan import Source
from embedcache.shards.storage import import_fsspec, is_url
from segclf.corpus.compressed import plain_name
from segclf.corpus.files import CORPUS_SUFFIXES, document_id, files_with_ids, read_bytes

_MAGIC = re.compile(r"[*?\[]")
_VERSION_KEYS = ("mtime", "LastModified", "last_modified", "ETag", "created")  # keys of fsspec


def corpus_name(path: str) -> str:
    """Return the name of a corpus: the name of its folder, or of its file without the suffix.

    For a glob, it is the name of the folder before the first wildcard; for "-", it is "stdin".
    """
    if path == "-":
        return "stdin"
    local = path.partition("::")[0].rpartition("://")[2] if is_url(path) else path
    if _MAGIC.search(local) and not Path(local).exists():
        return Path(_fixed_part(local)).resolve().name
    resolved = Path(local).resolve()
    return resolved.name if resolved.is_dir() else resolved.stem


def list_sources(path: str, unreadable: dict[Path, str] | None = None) -> list[Source]:
    """List text files in the order in which `segclf.corpus.read_corpus` reads them.

    Args:
        path: File, folder, glob such as "novels/**/*.txt", or a URL of one of them, which fsspec
            opens. The ids of documents are relative to the folder, or to the folder before the
            first wildcard of the glob.
        unreadable: Dict to which entries of a local folder that cannot be read are added; see
            `segclf.corpus.files.corpus_files`.

    Raises:
        UserError: The path is "-", there are no text files, they cannot be listed, an entry of a
            local folder cannot be read and `unreadable` is None, or fsspec is missing.
    """
    if path == "-":
        raise UserError("--engine ray does not read standard input: save the text in a file")
    sources = _sources_of_url(path) if is_url(path) else _local_sources(path, unreadable)
    if not sources:
        raise UserError(f"{path}: no such file, or no text files found")
    return sources


def read_source(source: Source) -> bytes:
    """Return the content of a file.

    Raises:
        UserError: The file cannot be read, or its path is a URL and fsspec is missing.
    """
    if not is_url(source.path):
        return read_bytes(source.path)
    try:
        with import_fsspec().open(source.path, "rb") as file:
            data: bytes = file.read()
    except (OSError, ValueError) as error:
        raise UserError(f"{source.path}: {error}") from error
    return data


def _local_sources(path: str, unreadable: dict[Path, str] | None) -> list[Source]:
    root = Path(path)
    if root.is_dir():
        return [_local_source(file, root) for _, file in files_with_ids(root, unreadable)]
    if root.exists() or not _MAGIC.search(path):
        return [_local_source(root, root.parent)] if root.is_file() else []
    root = Path(_fixed_part(path))
    found = [Path(name) for name in glob.glob(path, recursive=True)]
    return [_local_source(file, root) for file in sorted(found) if file.is_file()]


def _local_source(file: Path, root: Path) -> Source:
    status = file.stat()
    name = document_id(file.relative_to(root))
    return Source(name, str(file.absolute()), status.st_size, str(status.st_mtime_ns))


def _fixed_part(pattern: str) -> str:
    """Return the folder before the first wildcard of a glob, with a final slash; "" if none."""
    before = pattern[: _MAGIC.search(pattern).start()]  # type: ignore[union-attr]
    return "".join(before.rpartition("/")[:2])


def _sources_of_url(url: str) -> list[Source]:
    try:
        system, path = import_fsspec().core.url_to_fs(url)
        is_glob = bool(_MAGIC.search(path))
        if is_glob:
            root, found = _fixed_part(path), system.glob(path, detail=True)
        elif system.isdir(path):
            root, found = path, system.find(path, detail=True)
        else:
            root, found = path.rpartition("/")[0], {path: system.info(path)}
    except (ImportError, OSError, ValueError) as error:
        raise UserError(f"{url}: {error}") from error
    scheme, chain = url.partition("://")[0], "".join(url.partition("::")[1:])
    sources = [
        _remote_source(name, details, root, scheme, chain)
        for name, details in found.items()
        if details["type"] == "file"
    ]
    wanted = sources if path in found or is_glob else _visible_texts(sources)
    return sorted(wanted, key=lambda source: PurePosixPath(source.id))


def _remote_source(
    name: str, details: dict[str, Any], root: str, scheme: str, chain: str
) -> Source:
    url = name if is_url(name) else f"{scheme}://{name}"
    version = next((str(details[key]) for key in _VERSION_KEYS if key in details), "")
    relative = name.removeprefix(root).lstrip("/")
    return Source(relative, url + chain, int(details["size"] or 0), version)


def _visible_texts(sources: Iterable[Source]) -> list[Source]:
    paths = [(source, PurePosixPath(source.id)) for source in sources]
    return [
        source
        for source, path in paths
        if PurePosixPath(plain_name(path.name)).suffix.lower() in CORPUS_SUFFIXES
        and not any(part.startswith(".") for part in path.parts)
    ]
