"""A folder of files that are written atomically, on a disk or at a URL that fsspec opens."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import IO, Any
from uuid import uuid4

from embedcache.errors import UserError
from embedcache.files import write_file
from embedcache.packages import import_package
from embedcache.store.tables import import_pyarrow

_PART = ".part"  # suffix of a file that is not complete


def is_url(path: str) -> bool:
    """Return whether a path is a URL, such as s3://bucket/folder."""
    return "://" in path


def import_fsspec() -> ModuleType:
    """Import fsspec and return it.

    Raises:
        UserError: The package is missing.
    """
    return import_package("fsspec", missing="URLs need the package fsspec: run pip install fsspec")


@dataclass(frozen=True)
class Storage:
    """A folder of files. A file appears under its name only when it is complete.

    Attributes:
        url: Absolute path of a folder on disk, or a URL that fsspec opens.
    """

    url: str

    @classmethod
    def at(cls, path: str | Path) -> "Storage":
        """Return the storage at a URL or at a path, which may be relative.

        Raises:
            UserError: The URL has wildcards.
        """
        if not is_url(str(path)):
            return cls(str(Path(path).absolute()))
        if any(wildcard in str(path) for wildcard in "*?["):
            raise UserError(f"{path} has wildcards (*, ? or [): give the URL of one folder")
        return cls(str(path))

    @property
    def folder(self) -> Path | None:
        """The folder on disk; None for a URL."""
        return None if is_url(self.url) else Path(self.url)

    def names(self, folder: str) -> set[str]:
        """Return the names of all complete files in a subfolder, relative to it.

        There are none if the subfolder is missing. Hidden files and files in hidden folders are
        left out, since `write` keeps incomplete files in hidden folders.
        """
        if self.folder:
            root = self.folder / folder
            found = (
                path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()
            )
        else:
            system, root_name = _file_system(self.url)
            path = f"{root_name}/{folder}".strip("/")
            files = system.find(f"{root_name}/{folder}")
            found = (name.lstrip("/").removeprefix(path).lstrip("/") for name in files)
        return {
            name
            for name in found
            if not name.endswith(_PART)
            and not any(part.startswith(".") for part in name.split("/"))
        }

    def exists(self, name: str) -> bool:
        """Return whether there is a file."""
        if self.folder:
            return (self.folder / name).is_file()
        system, root = _file_system(self.url)
        return bool(system.exists(f"{root}/{name}"))

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading.

        Raises:
            FileNotFoundError: There is no such file.
        """
        if self.folder:
            return (self.folder / name).open("rb")
        system, root = _file_system(self.url)
        opened: IO[bytes] = system.open(f"{root}/{name}", "rb")
        return opened

    def open_mapped(self, name: str) -> Any:  # noqa: ANN401
        """Open a file for pyarrow, which maps it into memory if it is on disk."""
        if self.folder:
            return import_pyarrow().memory_map(str(self.folder / name))
        return self.open(name)

    def read(self, name: str) -> bytes:
        """Read a file."""
        with self.open(name) as file:
            return file.read()

    def write(self, name: str, write: Callable[[Path], object]) -> None:
        """Write a file atomically.

        Args:
            name: Name of the file; its folder is created if it is missing.
            write: Function that writes the content to the path that it is given.
        """
        if self.folder:
            write_file(self.folder / name, write)
            return
        system, root = _file_system(self.url)
        target = f"{root}/{name}"
        # renamed when it is complete, since some file systems show files that are being written
        part = f"{target}.{uuid4().hex}{_PART}"
        with tempfile.TemporaryDirectory() as scratch:
            local = Path(scratch) / "content"
            write(local)
            system.makedirs(target.rpartition("/")[0], exist_ok=True)
            system.put_file(str(local), part)
            system.mv(part, target)

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file atomically."""
        self.write(name, lambda path: path.write_bytes(content))

    def remove(self, name: str = "") -> None:
        """Remove a file or a subfolder, or the whole folder, if it exists."""
        if self.folder:
            path = self.folder / name
            with suppress(FileNotFoundError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            return
        system, root = _file_system(self.url)
        with suppress(FileNotFoundError):
            system.rm(f"{root}/{name}".rstrip("/"), recursive=True)


@cache
def _file_system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path of the folder in it."""
    system, root = import_fsspec().core.url_to_fs(url)
    return system, str(root).rstrip("/")
